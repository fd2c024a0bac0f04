"""Answers requests from exports with plain TensorFlow, as TF Serving would.

`python session_runner.py REQUESTS ANSWERS`: a pickled list of (folder of an export,
list of (signature, inputs)) enters; for each export a list of outputs, or of (error's
class, message), leaves. Nothing of the package is imported: what the export needs must
be in it.
"""

import pickle
import sys

import tensorflow as tf


def main(requests, answers):
    with open(requests, "rb") as file:
        wanted = pickle.load(file)
    given = [answers_of(*each) for each in wanted]
    assert not [name for name in sys.modules if name.startswith("tf_edgeconnect")]
    with open(answers, "wb") as file:
        pickle.dump(given, file)


def answers_of(folder, requests):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], folder)
        # `Session.run` checks shapes in Python, which the C++ server does not.
        session._extend_graph()
        return [answer(session, meta, *request) for request in requests]


def answer(session, meta, signature, inputs):
    described = meta.signature_def[signature]
    graph = session.graph

    def end(info):
        return graph.get_tensor_by_name(info.name)._as_tf_output()

    feeds = {end(described.inputs[name]): value for name, value in inputs.items()}
    names = sorted(described.outputs)
    fetches = [end(described.outputs[name]) for name in names]
    try:
        values = session._call_tf_sessionrun(None, feeds, fetches, [], None)
    except tf.errors.OpError as error:
        return type(error).__name__, error.message
    return dict(zip(names, values, strict=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
