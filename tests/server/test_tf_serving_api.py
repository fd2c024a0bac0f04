"""Parts of TF Serving's API that the project's own client does not use."""

import json
import urllib.request

import numpy as np


def post(ports, body):
    url = f"http://127.0.0.1:{ports[1]}/v1/models/edgeconnect:predict"
    request = urllib.request.Request(url, data=json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_metadata_lists_the_four_signatures(ports):
    import grpc
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        prediction_service_pb2_grpc,
    )

    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "edgeconnect"
    request.metadata_field.append("signature_def")
    with grpc.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        answer = stub.GetModelMetadata(request, timeout=10)
    found = get_model_metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(found)
    assert answer.model_spec.version.value == 2
    expected = {
        "serving_default",
        "predict_edges",
        "inpaint_with_edges",
        "serving_bytes",
    }
    assert expected <= set(found.signature_def)


def test_metadata_comes_over_rest_too(ports):
    url = f"http://127.0.0.1:{ports[1]}/v1/models/edgeconnect/metadata"
    with urllib.request.urlopen(url) as answer:
        assert "serving_bytes" in json.dumps(json.load(answer))


def test_instances_come_back_as_predictions(ports, batch):
    image, mask = batch
    rows = [
        {"image": one.tolist(), "mask": hole.tolist()}
        for one, hole in zip(image, mask, strict=True)
    ]
    predictions = post(ports, {"instances": rows})["predictions"]
    inpainted = np.array([row["inpainted"] for row in predictions])
    np.testing.assert_array_equal(inpainted, np.where(mask > 0, 255 - image, image))


def test_an_only_output_comes_without_its_name(ports, batch):
    image, mask = batch
    inputs = {"image": image.tolist(), "mask": mask.tolist()}
    answer = post(ports, {"signature_name": "predict_edges", "inputs": inputs})
    np.testing.assert_array_equal(np.array(answer["outputs"]), mask)
