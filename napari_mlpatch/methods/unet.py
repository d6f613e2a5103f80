"""A U-Net on the quick picture."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import methods

from .learned import Learned


@methods.register("unet", title="FBP + U-Net (FBPConvNet)")
@dataclass(frozen=True, config=CONFIG)
class UNet(Learned):
    """``x + U(x)`` with the quick picture ``x = A.pinv(y)`` and a U-Net trained for this operator (Jin et al. 2017).

    Equation:
        x = v + U(v),      v = A⁺ y the quick picture (FBP, zero filling)

    When to use it:
        The geometry, noise and kind of picture that the weights were trained for: one pass, the fastest of the learned
        methods, and hard to beat there. It sees the data only through the quick picture: what that has lost it can only
        guess, and nothing holds the result to the measurement, so look at the residual. For other geometries take a
        plug-and-play method.

    References:
        - K. H. Jin, M. T. McCann, E. Froustey & M. Unser, Deep convolutional neural network for inverse problems in
          imaging, IEEE Trans. Image Process. 26 (2017) 4509-4522, doi:10.1109/TIP.2017.2713099.
        - O. Ronneberger, P. Fischer & T. Brox, U-Net: convolutional networks for biomedical image segmentation, MICCAI
          2015, 234-241, doi:10.1007/978-3-319-24574-4_28.
    """

    iterative = False
