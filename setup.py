"""Package metadata: what it needs, what its extras need, and what ships in the wheel.

Ranges are stated here; `constraints.txt` pins the set that was tested.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (ROOT / "tf_edgeconnect" / "version.py").read_text()
).group(1)
README = ROOT / "README.md"

EXTRAS = {
    # Plain tensorflow finds no GPU: this adds CUDA and cuDNN.
    "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
    "serving": ["tensorflow-serving-api>=2.19,<2.22", "grpcio-health-checking>=1.70"],
    "tflite": ["ai-edge-litert>=2.0", "ai-edge-quantizer>=0.10"],
    "onnx": ["onnx>=1.17", "onnxruntime>=1.20", "tf2onnx>=1.17"],
    # It only decodes, and is LGPL; pillow-heif's wheels are GPL.
    "heif": ["pi-heif>=1.0"],
    "batch": ["apache-beam>=2.70"],
    "docs": ["mkdocs>=1.6", "mkdocs-material>=9.6", "mkdocstrings[python]>=1.0"],
    "dev": [
        # The tests of TFLite files.
        "ai-edge-litert>=2.0",
        "ai-edge-quantizer>=0.10",
        # The tests of `batch`.
        "apache-beam>=2.70",
        # The tests of `serve` and of the client.
        "grpcio-health-checking>=1.70",
        # Starlette's test client.
        "httpx>=0.28",
        "hypothesis>=6.100",
        # The second Keras backend, for the test that needs no TensorFlow.
        "jax>=0.4.36",
        "mypy>=2.0",
        "nbmake>=1.5",
        # The tests of ONNX files and of HEIC photos.
        "onnx>=1.17",
        "onnxruntime>=1.20",
        "pi-heif>=1.0",
        "playwright>=1.50",
        "pytest>=8.0",
        "pytest-xdist>=3.6",
        "ruff>=0.12",
        "tensorflow-serving-api>=2.19,<2.22",
        "tf2onnx>=1.17",
        "types-PyYAML>=6.0",
    ],
}


class BuildWithConfigs(build_py):
    """Puts configs/, which lies beside the package here, inside it in the wheel."""

    def run(self) -> None:
        """Builds the package, then adds the configs unless it is an editable one."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "tf_edgeconnect", "configs")
            self.mkpath(str(target))
            for source in sorted((ROOT / "configs").glob("*.yaml")):
                self.copy_file(str(source), str(target / source.name))


setup(
    name="tf-edgeconnect",
    version=VERSION,
    description="EdgeConnect image inpainting in TensorFlow: edges first, colour next",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Processing",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["tf_edgeconnect", "tf_edgeconnect.*"]),
    package_data={
        "tf_edgeconnect": ["py.typed", "*.pyi"],
        "tf_edgeconnect.data": ["demo/*"],
        "tf_edgeconnect.web": ["page/**/*"],
        "tf_edgeconnect.evaluation": ["*.jinja"],
        "tf_edgeconnect.export": ["*.jinja"],
        "tf_edgeconnect.presets": ["*/*"],
    },
    cmdclass={"build_py": BuildWithConfigs},
    install_requires=[
        # tensorflow-datasets 4.9.10 imports it on Python 3.11 and does not declare it.
        "importlib_resources>=6.0",
        "jinja2>=3.1",
        "keras>=3.15,<4",
        "lazy-loader>=0.4",
        "matplotlib>=3.9",
        "numpy>=2.1",
        "opencv-python>=4.10",
        "pillow>=11.3",
        "pydantic>=2.10,<3",
        "python-multipart>=0.0.20",
        "pyyaml>=6.0",
        "rich>=13.0",
        "scikit-image>=0.26",
        "scipy>=1.14",
        "starlette>=0.46",
        # TensorFlow 2.21 writes TensorBoard files only where this is installed.
        "tensorboard>=2.21,<2.22",
        "tensorflow>=2.21,<2.22",
        "tensorflow-datasets>=4.9.9",
        "typer>=0.29",
        "uvicorn>=0.34",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["tf-edgeconnect=tf_edgeconnect.cli.main:main"]},
)
