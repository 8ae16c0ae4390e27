// What Yosys has only the ports of in a Gowin GW1N, after Gowin's UG285 and UG286.

module rPLL #(
    parameter FCLKIN = "100.0", IDIV_SEL = 0, FBDIV_SEL = 0, ODIV_SEL = 8
) (
    input CLKIN, CLKFB, RESET, RESET_P, input [5:0] FBDSEL, IDSEL, ODSEL, input [3:0] PSDA, FDLY,
    input [3:0] DUTYDA, output CLKOUT, LOCK, CLKOUTP, CLKOUTD, CLKOUTD3
);
    hybnn_pll #(.MULTIPLY(FBDIV_SEL + 1), .DIVIDE(IDIV_SEL + 1))
        pll (.reference(CLKIN), .clock(CLKOUT), .locked(LOCK));
endmodule

`define GOWIN_INIT \
    INIT_RAM_00 = 0, INIT_RAM_01 = 0, INIT_RAM_02 = 0, INIT_RAM_03 = 0, \
    INIT_RAM_04 = 0, INIT_RAM_05 = 0, INIT_RAM_06 = 0, INIT_RAM_07 = 0, \
    INIT_RAM_08 = 0, INIT_RAM_09 = 0, INIT_RAM_0A = 0, INIT_RAM_0B = 0, \
    INIT_RAM_0C = 0, INIT_RAM_0D = 0, INIT_RAM_0E = 0, INIT_RAM_0F = 0, \
    INIT_RAM_10 = 0, INIT_RAM_11 = 0, INIT_RAM_12 = 0, INIT_RAM_13 = 0, \
    INIT_RAM_14 = 0, INIT_RAM_15 = 0, INIT_RAM_16 = 0, INIT_RAM_17 = 0, \
    INIT_RAM_18 = 0, INIT_RAM_19 = 0, INIT_RAM_1A = 0, INIT_RAM_1B = 0, \
    INIT_RAM_1C = 0, INIT_RAM_1D = 0, INIT_RAM_1E = 0, INIT_RAM_1F = 0, \
    INIT_RAM_20 = 0, INIT_RAM_21 = 0, INIT_RAM_22 = 0, INIT_RAM_23 = 0, \
    INIT_RAM_24 = 0, INIT_RAM_25 = 0, INIT_RAM_26 = 0, INIT_RAM_27 = 0, \
    INIT_RAM_28 = 0, INIT_RAM_29 = 0, INIT_RAM_2A = 0, INIT_RAM_2B = 0, \
    INIT_RAM_2C = 0, INIT_RAM_2D = 0, INIT_RAM_2E = 0, INIT_RAM_2F = 0, \
    INIT_RAM_30 = 0, INIT_RAM_31 = 0, INIT_RAM_32 = 0, INIT_RAM_33 = 0, \
    INIT_RAM_34 = 0, INIT_RAM_35 = 0, INIT_RAM_36 = 0, INIT_RAM_37 = 0, \
    INIT_RAM_38 = 0, INIT_RAM_39 = 0, INIT_RAM_3A = 0, INIT_RAM_3B = 0, \
    INIT_RAM_3C = 0, INIT_RAM_3D = 0, INIT_RAM_3E = 0, INIT_RAM_3F = 0
`define GOWIN_CONTENT { \
    INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, \
    INIT_RAM_39, INIT_RAM_38, INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, \
    INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, INIT_RAM_2F, INIT_RAM_2E, \
    INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
    INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, \
    INIT_RAM_21, INIT_RAM_20, INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, \
    INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, INIT_RAM_17, INIT_RAM_16, \
    INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
    INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, \
    INIT_RAM_09, INIT_RAM_08, INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, \
    INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00}

module SP #(
    parameter READ_MODE = 0, WRITE_MODE = 0, BIT_WIDTH = 32, BLK_SEL = 0, RESET_MODE = "SYNC",
    parameter [255:0] `GOWIN_INIT
) (
    input CLK, CE, OCE, RESET, WRE, input [13:0] AD, input [31:0] DI, input [2:0] BLKSEL,
    output [31:0] DO
);
    wire [35:0] do_b;
    hybnn_ram #(.CONTENT(`GOWIN_CONTENT), .BYTE(8), .PAIR(16), .WIDTH_A(BIT_WIDTH),
                .MODE_A(WRITE_MODE), .ASYNC_RESET(RESET_MODE == "ASYNC")) ram (
        .clk_a(CLK), .ce_a(CE), .we_a(WRE), .rst_a(RESET), .ad_a(AD), .di_a(DI), .do_a(DO),
        .clk_b(1'b0), .ce_b(1'b0), .we_b(1'b0), .rst_b(1'b0), .ad_b(14'b0), .di_b(36'b0), .do_b(do_b));
    initial if (READ_MODE != 0) $fatal(1, "This block RAM is not modelled.");
endmodule

module SPX9 #(
    parameter READ_MODE = 0, WRITE_MODE = 0, BIT_WIDTH = 36, BLK_SEL = 0, RESET_MODE = "SYNC",
    parameter [287:0] `GOWIN_INIT
) (
    input CLK, CE, OCE, RESET, WRE, input [13:0] AD, input [35:0] DI, input [2:0] BLKSEL,
    output [35:0] DO
);
    wire [35:0] do_b;
    hybnn_ram #(.CONTENT(`GOWIN_CONTENT), .BYTE(9), .PAIR(18), .WIDTH_A(BIT_WIDTH),
                .MODE_A(WRITE_MODE), .ASYNC_RESET(RESET_MODE == "ASYNC")) ram (
        .clk_a(CLK), .ce_a(CE), .we_a(WRE), .rst_a(RESET), .ad_a(AD), .di_a(DI), .do_a(DO),
        .clk_b(1'b0), .ce_b(1'b0), .we_b(1'b0), .rst_b(1'b0), .ad_b(14'b0), .di_b(36'b0), .do_b(do_b));
    initial if (READ_MODE != 0) $fatal(1, "This block RAM is not modelled.");
endmodule

module SDPB #(
    parameter READ_MODE = 0, BIT_WIDTH_0 = 32, BIT_WIDTH_1 = 32, BLK_SEL_0 = 0, BLK_SEL_1 = 0,
    RESET_MODE = "SYNC",
    parameter [255:0] `GOWIN_INIT
) (
    input CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB, input [13:0] ADA, ADB, input [31:0] DI,
    input [2:0] BLKSELA, BLKSELB, output [31:0] DO
);
    wire [35:0] do_a;
    hybnn_ram #(.CONTENT(`GOWIN_CONTENT), .BYTE(8), .PAIR(16), .WIDTH_A(BIT_WIDTH_0),
                .WIDTH_B(BIT_WIDTH_1), .ASYNC_RESET(RESET_MODE == "ASYNC")) ram (
        .clk_a(CLKA), .ce_a(CEA), .we_a(1'b1), .rst_a(1'b0), .ad_a(ADA), .di_a(DI), .do_a(do_a),
        .clk_b(CLKB), .ce_b(CEB), .we_b(1'b0), .rst_b(RESETB), .ad_b(ADB), .di_b(36'b0), .do_b(DO));
    initial if (READ_MODE != 0) $fatal(1, "This block RAM is not modelled.");
endmodule

module SDPX9B #(
    parameter READ_MODE = 0, BIT_WIDTH_0 = 36, BIT_WIDTH_1 = 36, BLK_SEL_0 = 0, BLK_SEL_1 = 0,
    RESET_MODE = "SYNC",
    parameter [287:0] `GOWIN_INIT
) (
    input CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB, input [13:0] ADA, ADB, input [35:0] DI,
    input [2:0] BLKSELA, BLKSELB, output [35:0] DO
);
    wire [35:0] do_a;
    hybnn_ram #(.CONTENT(`GOWIN_CONTENT), .BYTE(9), .PAIR(18), .WIDTH_A(BIT_WIDTH_0),
                .WIDTH_B(BIT_WIDTH_1), .ASYNC_RESET(RESET_MODE == "ASYNC")) ram (
        .clk_a(CLKA), .ce_a(CEA), .we_a(1'b1), .rst_a(1'b0), .ad_a(ADA), .di_a(DI), .do_a(do_a),
        .clk_b(CLKB), .ce_b(CEB), .we_b(1'b0), .rst_b(RESETB), .ad_b(ADB), .di_b(36'b0), .do_b(DO));
    initial if (READ_MODE != 0) $fatal(1, "This block RAM is not modelled.");
endmodule

module DPB #(
    parameter READ_MODE0 = 0, READ_MODE1 = 0, WRITE_MODE0 = 0, WRITE_MODE1 = 0, BIT_WIDTH_0 = 16,
    BIT_WIDTH_1 = 16, BLK_SEL_0 = 0, BLK_SEL_1 = 0, RESET_MODE = "SYNC",
    parameter [255:0] `GOWIN_INIT
) (
    input CLKA, CEA, OCEA, WREA, RESETA, CLKB, CEB, OCEB, WREB, RESETB, input [13:0] ADA, ADB,
    input [15:0] DIA, DIB, input [2:0] BLKSELA, BLKSELB, output [15:0] DOA, DOB
);
    hybnn_ram #(.CONTENT(`GOWIN_CONTENT), .BYTE(8), .PAIR(16), .WIDTH_A(BIT_WIDTH_0),
                .WIDTH_B(BIT_WIDTH_1), .MODE_A(WRITE_MODE0), .MODE_B(WRITE_MODE1),
                .ASYNC_RESET(RESET_MODE == "ASYNC")) ram (
        .clk_a(CLKA), .ce_a(CEA), .we_a(WREA), .rst_a(RESETA), .ad_a(ADA), .di_a(DIA), .do_a(DOA),
        .clk_b(CLKB), .ce_b(CEB), .we_b(WREB), .rst_b(RESETB), .ad_b(ADB), .di_b(DIB), .do_b(DOB));
    initial if (READ_MODE0 != 0 || READ_MODE1 != 0) $fatal(1, "This block RAM is not modelled.");
endmodule

module DPX9B #(
    parameter READ_MODE0 = 0, READ_MODE1 = 0, WRITE_MODE0 = 0, WRITE_MODE1 = 0, BIT_WIDTH_0 = 18,
    BIT_WIDTH_1 = 18, BLK_SEL_0 = 0, BLK_SEL_1 = 0, RESET_MODE = "SYNC",
    parameter [287:0] `GOWIN_INIT
) (
    input CLKA, CEA, OCEA, WREA, RESETA, CLKB, CEB, OCEB, WREB, RESETB, input [13:0] ADA, ADB,
    input [17:0] DIA, DIB, input [2:0] BLKSELA, BLKSELB, output [17:0] DOA, DOB
);
    hybnn_ram #(.CONTENT(`GOWIN_CONTENT), .BYTE(9), .PAIR(18), .WIDTH_A(BIT_WIDTH_0),
                .WIDTH_B(BIT_WIDTH_1), .MODE_A(WRITE_MODE0), .MODE_B(WRITE_MODE1),
                .ASYNC_RESET(RESET_MODE == "ASYNC")) ram (
        .clk_a(CLKA), .ce_a(CEA), .we_a(WREA), .rst_a(RESETA), .ad_a(ADA), .di_a(DIA), .do_a(DOA),
        .clk_b(CLKB), .ce_b(CEB), .we_b(WREB), .rst_b(RESETB), .ad_b(ADB), .di_b(DIB), .do_b(DOB));
    initial if (READ_MODE0 != 0 || READ_MODE1 != 0) $fatal(1, "This block RAM is not modelled.");
endmodule
