"""Designs with something wrong: what a proof must find out."""

import numpy as np
from amaranth import Const, Module, Mux, Value
from amaranth.lib import wiring

from hw.blocks.layer import BinaryLayer
from hw.blocks.readout import ArgmaxReadout
from sw.golden.network import Layer, OutputLayer

__all__ = ["broken", "names_the_highest_of_equals", "never_fires_on_equality", "replaced",
           "swapped"]


class Broken(wiring.Component):
    """A design of the same ports with something wrong at one of them."""

    def __init__(self, design, wrong):
        super().__init__(design.signature)
        self.design, self.wrong = design, wrong

    def __getattr__(self, name):
        if "design" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.design, name)

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = self.design
        inside = {path: value for path, _, value in self.design.signature.flatten(self.design)}
        for path, member, value in self.signature.flatten(self):
            wrong = self.wrong.get("__".join(map(str, path)), lambda right: right)
            if isinstance(value, Const):    # The ready of what is always ready.
                continue
            if member.flow == wiring.Out:
                m.d.comb += Value.cast(value).eq(wrong(Value.cast(inside[path])))
            else:
                m.d.comb += Value.cast(inside[path]).eq(wrong(Value.cast(value)))
        return m


def broken(design, **wrong):
    """Make, in place of ``design``, the same with functions between its ports and their users."""
    return lambda *arguments, **options: Broken(design(*arguments, **options), wrong)


def never_fires_on_equality(layer, fold):
    """Make a layer in which a count of 3 does not reach the threshold 3."""
    limits = np.minimum(layer.thresholds + (layer.thresholds == 3), layer.n_in + 1)
    return BinaryLayer(Layer(layer.weights, limits), fold)


def names_the_highest_of_equals(readout, **options):
    """Make a readout by whose rule the highest of equal classes wins."""
    last = readout.n_classes - 1
    backwards = OutputLayer(readout.weights[::-1], readout.offsets[::-1])
    return Broken(ArgmaxReadout(backwards, **options), {"y__payload": lambda named: last - named})


def swapped(first, second):
    """Return each of two values in place of the other."""
    return lambda value: Mux(value == first, second, Mux(value == second, first, value))


def replaced(wrong, right):
    """Return one value in place of another."""
    return lambda value: Mux(value == wrong, right, value)
