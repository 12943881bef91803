"""A web page in which an agent's dream runs: networks as ONNX graphs, and the page around them."""
