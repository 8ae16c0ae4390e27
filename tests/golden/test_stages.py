import re

import pytest

from sw.golden.stages import Conv, Dense, Map, Pool, Readout, Signature

CNV = "32x32x3:8-64b0-64b0p-128b0-128b0p-256b0-256b0-d512-512-10"


@pytest.mark.parametrize("text, gives, n_weights, n_macs, widths", [
    ("200-128-10", ["200", "128", "10"], 26_880, 26_880, (200, 128, 10)),
    ("784-10", ["784", "10"], 7_840, 7_840, (784, 10)),
    ("5:4-3-2", ["5:4", "3", "2"], 21, 21, None),
    ("28x28x1:8-d100-10", ["28x28x1:8", "100", "10"], 79_400, 79_400, None),
    ("28x28x1:8-32s2-64p-64p-10",
     ["28x28x1:8", "14x14x32", "14x14x64", "7x7x64", "7x7x64", "3x3x64", "10"],
     61_344, 5_481_216, None),
    (CNV, ["32x32x3:8", "30x30x64", "28x28x64", "14x14x64", "12x12x128", "10x10x128", "5x5x128",
           "3x3x256", "256", "512", "512", "10"], 1_542_848, 59_461_376, None),
    ("5-c3-2", ["5", "3", "2"], 141, 141, None),
    ("5x3x2-7k2p3-4k1-d2-2", ["5x3x2", "6x4x7", "2x1x7", "2x1x4", "2", "2"],
     8 * 7 + 7 * 4 + 8 * 2 + 4, 6 * 4 * 7 * 8 + 2 * 7 * 4 + 16 + 4, None),
])
def test_a_signature_is_its_text(text, gives, n_weights, n_macs, widths):
    signature = Signature.parse(text)
    assert (str(signature), [str(each) for each in signature.maps]) == (text, gives)
    assert (signature.n_weights, signature.n_macs, signature.widths) == (n_weights, n_macs, widths)


@pytest.mark.parametrize("text, normal", [
    ("1x1x200-10", "200-10"), ("28x28x1:1-3-2", "28x28x1-3-2"), ("8x8x1-3k3s1b1-2", "8x8x1-3-2"),
    ("8x8x1-3k5b2-2", "8x8x1-3k5-2"), ("8x8x1-c3-2", "8x8x1-3-2"),
    ("8x8x1-3-p2-p-2", "8x8x1-3pp-2"),
    ("200-d128-10", "200-128-10"), ("8x8x1-p-2", "8x8x1-p-2"), ("007-2", "7-2"),
])
def test_a_signature_has_one_text(text, normal):
    assert str(Signature.parse(text)) == normal
    assert str(Signature.parse(normal)) == normal


@pytest.mark.parametrize("text, reason", [
    ("200", "A network must be like 200-128-10 or 28x28x1:8-32s2-64p-10, not '200'"),
    ("", "A network must be like 200-128-10 or 28x28x1:8-32s2-64p-10, not ''"),
    ("200-", "The last stage must be the number of classes, not ''"),
    ("x-1", "An input must be like 200, 14x14x16 or 28x28x1:8, not 'x'"),
    ("28x28-1", "An input must be like 200, 14x14x16 or 28x28x1:8, not '28x28'"),
    ("28x28x1:9-3-1", "Pixels must have 1 to 8 bits, not 9"),
    ("28x28x1:0-3-1", "Pixels must have 1 to 8 bits, not 0"),
    ("0x28x1-3-1", "A map must have 1 to 4,194,304 elements, of 1 to 65,535 channels, not "
                   "0 x 28 x 1"),
    ("9999x9999x1-3-1", "A map must have 1 to 4,194,304 elements, of 1 to 65,535 channels, not "
                        "9999 x 9999 x 1"),
    ("65536-1", "A map must have 1 to 4,194,304 elements, of 1 to 65,535 channels, not "
                "1 x 1 x 65536"),
    ("28x28x1:8-10", "Stage 0: A readout takes bits, not pixels of 8 bits"),
    ("28x28x1:8-p-3-2", "Stage 0: A pool takes bits, not pixels of 8 bits"),
    ("8x8x1-32q-10", "A stage must be like 64, 32k5s2b0, 64p or d128, not '32q'"),
    ("8x8x1--10", "A stage must be like 64, 32k5s2b0, 64p or d128, not ''"),
    ("8x8x1-٣-10", "A stage must be like 64, 32k5s2b0, 64p or d128, not '٣'"),
    ("8x8x1-32-d10", "The last stage must be the number of classes, not 'd10'"),
    ("8x8x1-32-10p", "The last stage must be the number of classes, not '10p'"),
    ("8x8x1-0-10", "Stage 0: A convolution must have 1 to 65,535 channels, not 0"),
    ("8x8x1-3-0", "Stage 1: A readout must have 1 to 65,535 classes, not 0"),
    ("8-0-3", "Stage 0: A dense stage must have 1 to 65,535 neurons, not 0"),
    ("4x4x1-8k9b0-2", "Stage 0: A convolution of 9 x 9 with a border of 0 does not fit a map of "
                      "4 x 4"),
    ("4x4x1-8k0-3", "Stage 0: A convolution's kernel and stride must be 1 to 255, and its border "
                    "less than its kernel, not 0, 1 and 0"),
    ("4x4x1-8s0-3", "Stage 0: A convolution's kernel and stride must be 1 to 255, and its border "
                    "less than its kernel, not 3, 0 and 1"),
    ("4x4x1-8b3-3", "Stage 0: A convolution's kernel and stride must be 1 to 255, and its border "
                    "less than its kernel, not 3, 1 and 3"),
    ("4x4x1-8s2s2-3", "A convolution has one kernel, stride and border, not '8s2s2'"),
    ("9x9x9999-8k3-3", "Stage 0: A convolution must look at no more than 65,535 elements, not "
                       "89991"),
    ("99x99x9-d8-3", "Stage 0: A dense stage must look at no more than 65,535 elements, not "
                     "88209"),
    ("200-p-10", "Stage 0: A pool of 2 x 2 does not fit a map of 1 x 1"),
    ("2x2x1-8p0-2", "Stage 1: A pool of 0 x 0 does not fit a map of 2 x 2"),
    ("2x2x1-8ppp-2", "Stage 2: A pool of 2 x 2 does not fit a map of 1 x 1"),
    ("200-128k3-10", "A dense stage has no window, so it must be a number, not '128k3'"),
    ("8x8x1-d12s2-3", "A dense stage has no window, so it must be a number, not 'd12s2'"),
])
def test_a_wrong_text_is_refused(text, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        Signature.parse(text)


@pytest.mark.parametrize("stages, reason", [
    ((), "A network must have 1 to 5,000 stages, not 0"),
    ((Dense(3),), "A network must end with a readout, and have no other"),
    ((Readout(3), Readout(2)), "A network must end with a readout, and have no other"),
    ((Pool(), Readout(2)), "Stage 0: A pool of 2 x 2 does not fit a map of 1 x 1"),
])
def test_stages_that_are_no_network_are_refused(stages, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        Signature(Map(1, 1, 4), stages)


def test_equal_signatures_are_equal():
    assert Signature.dense(200, 128, 10) == Signature.parse("200-128-10")
    assert hash(Signature.dense(2, 2)) == hash(Signature.parse("2-2"))
    assert Signature.parse("8x8x1-3-2").stages == (Conv(3, 3, 1, 1), Readout(2))
    assert Signature.parse("8x8x1-3-2").with_classes(5) == Signature.parse("8x8x1-3-5")
