"""What the ``qonnx`` package makes of a file: all that the graph gives, and its own conversions."""

import warnings

from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
from qonnx.transformation.extract_conv_bias import ExtractBiasFromConv
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
from qonnx.util.cleanup import cleanup_model

from sw.golden.qonnx import executor

__all__ = ["channels_last", "lowered", "sums"]


def sums(path, values):
    """Return the output ``(n, n_out)`` for samples ``(n, *shape)``, all in one batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return executor._qonnx(path, len(values))(values).reshape(len(values), -1)


def lowered(path):
    """Convert a file as FINN does: its convolutions become Im2Col and MatMul."""
    model = ModelWrapper(str(path))
    for node in list(model.graph.node):
        weights = model.get_initializer(node.input[0])
        if node.op_type == "BipolarQuant" and weights is not None:
            model.graph.node.remove(node)
            model.set_initializer(node.output[0], weights)
            model.set_tensor_datatype(node.output[0], DataType["BIPOLAR"])
    for change in ExtractBiasFromConv(), LowerConvsToMatMul(), InferShapes(), InferDataTypes():
        model = model.transform(change)
    model.save(str(path))


def channels_last(path):
    """Convert a file as hls4ml asks for it: all maps with the channel last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cleanup_model(ModelWrapper(str(path)))
        model.transform(ConvertToChannelsLastAndClean()).save(str(path))
