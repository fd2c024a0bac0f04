"""The user study: can people tell filled pictures from real ones?

Two tasks, after section 5.2 of the paper. `2afc`, two-alternative forced choice: one
picture, real or filled? `jnd`, just noticeable difference: a photo and its filled
version side by side for a short time, which one was real?
"""
