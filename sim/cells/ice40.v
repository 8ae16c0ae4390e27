// The PLLs of an iCE40, of which Yosys has the ports only, in their simple feedback path
// (FPGA-TN-02052); and plain pins, as Verilator does not take Yosys' comparison with z.

module SB_PLL40_CORE #(
    parameter FEEDBACK_PATH = "SIMPLE", DIVR = 4'b0, DIVF = 7'b0, DIVQ = 3'b0,
    FILTER_RANGE = 3'b0,
    DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED", DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED",
    SHIFTREG_DIV_MODE = 2'b0, FDA_FEEDBACK = 4'b0, FDA_RELATIVE = 4'b0,
    PLLOUT_SELECT = "GENCLK", ENABLE_ICEGATE = 1'b0, TEST_MODE = 1'b0
) (
    input REFERENCECLK, EXTFEEDBACK, BYPASS, RESETB, LATCHINPUTVALUE, SDI, SCLK,
    input [7:0] DYNAMICDELAY,
    output PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO
);
    hybnn_pll #(.MULTIPLY(DIVF + 1), .DIVIDE((DIVR + 1) * 2 ** DIVQ))
        pll (.reference(REFERENCECLK), .clock(PLLOUTGLOBAL), .locked(LOCK));
    assign PLLOUTCORE = PLLOUTGLOBAL;
    assign SDO = 0;
    initial if (FEEDBACK_PATH != "SIMPLE" || PLLOUT_SELECT != "GENCLK")
        $fatal(1, "This PLL is not modelled.");
endmodule

module SB_PLL40_PAD #(
    parameter FEEDBACK_PATH = "SIMPLE", DIVR = 4'b0, DIVF = 7'b0, DIVQ = 3'b0,
    FILTER_RANGE = 3'b0,
    DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED", DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED",
    SHIFTREG_DIV_MODE = 2'b0, FDA_FEEDBACK = 4'b0, FDA_RELATIVE = 4'b0,
    PLLOUT_SELECT = "GENCLK", ENABLE_ICEGATE = 1'b0, TEST_MODE = 1'b0
) (
    input PACKAGEPIN, EXTFEEDBACK, BYPASS, RESETB, LATCHINPUTVALUE, SDI, SCLK,
    input [7:0] DYNAMICDELAY,
    output PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO
);
    SB_PLL40_CORE #(
        .FEEDBACK_PATH(FEEDBACK_PATH), .DIVR(DIVR), .DIVF(DIVF), .DIVQ(DIVQ),
        .PLLOUT_SELECT(PLLOUT_SELECT)
    ) pll (
        PACKAGEPIN, EXTFEEDBACK, BYPASS, RESETB, LATCHINPUTVALUE, SDI, SCLK, DYNAMICDELAY,
        PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO);
endmodule

module SB_IO #(
    parameter PIN_TYPE = 6'b0, PULLUP = 1'b0, NEG_TRIGGER = 1'b0, IO_STANDARD = "SB_LVCMOS"
) (
    inout PACKAGE_PIN,
    input LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
    output D_IN_0, D_IN_1
);
    assign D_IN_0 = PACKAGE_PIN;
    generate
        if (PIN_TYPE[5:2] == 4'b0110) assign PACKAGE_PIN = D_OUT_0;
        if (PIN_TYPE[5:2] == 4'b1010) assign PACKAGE_PIN = OUTPUT_ENABLE ? D_OUT_0 : 1'bz;
    endgenerate
    initial if (!(PIN_TYPE[1:0] == 2'b01 && (PIN_TYPE[5:2] == 4'b0110 || PIN_TYPE[5:2] == 4'b1010
                                             || PIN_TYPE[5:4] == 2'b00)))
        $fatal(1, "This pin is not modelled.");
endmodule

module SB_GB_IO #(
    parameter PIN_TYPE = 6'b0, PULLUP = 1'b0, NEG_TRIGGER = 1'b0, IO_STANDARD = "SB_LVCMOS"
) (
    inout PACKAGE_PIN, output GLOBAL_BUFFER_OUTPUT,
    input LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
    output D_IN_0, D_IN_1
);
    SB_IO #(.PIN_TYPE(PIN_TYPE)) pin (
        PACKAGE_PIN, LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE,
        D_OUT_0, D_OUT_1, D_IN_0, D_IN_1);
    assign GLOBAL_BUFFER_OUTPUT = D_IN_0;
endmodule
