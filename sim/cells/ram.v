// A block RAM of 2048 bytes of eight or nine bits with two ports, each of its own width: 1, 2, 4, or
// one, two or four bytes. Addresses count bits; below a whole byte's they enable bytes to write.
module hybnn_ram #(
    parameter [20479:0] CONTENT = 0,
    parameter BYTE = 9, PAIR = 18,    // Bits of a byte, and of two bytes in CONTENT.
    parameter WIDTH_A = 9, WIDTH_B = 9, ASYNC_RESET = 0,
    // What is read while writing; 0: as before, 1: what is written, 2: what is overwritten.
    parameter MODE_A = 0, MODE_B = 0
) (
    input clk_a, ce_a, we_a, rst_a, clk_b, ce_b, we_b, rst_b,
    input [13:0] ad_a, ad_b,
    input [35:0] di_a, di_b,
    output reg [35:0] do_a, do_b
);
    reg [8:0] bytes [0:2047];
    integer at;
    wire async_rst_a = ASYNC_RESET != 0 && rst_a, async_rst_b = ASYNC_RESET != 0 && rst_b;

    initial begin
        do_a = 0;
        do_b = 0;
        for (at = 0; at < 2048; at = at + 1) 
            bytes[at] = CONTENT[at / 2 * PAIR + at % 2 * BYTE +: BYTE];
    end

    function [35:0] read(input [13:0] ad, input integer width);
        integer part;
        begin
            read = 0;
            if (width < 8)
                read = bytes[ad[13:3]] >> ad[2:0] & (1 << width) - 1;
            else for (part = 0; part < width / BYTE; part = part + 1)
                read = read | {27'b0, bytes[first(ad, width) + part]} << part * BYTE;
        end
    endfunction

    function integer first(input [13:0] ad, input integer width);
        first = width < 16 ? ad[13:3] : width < 32 ? {ad[13:4], 1'b0} : {ad[13:5], 2'b0};
    endfunction

    integer part_a, part_b;

    always @(posedge clk_a or posedge async_rst_a)
        if (rst_a)
            do_a <= 0;
        else if (ce_a) begin
            if (!we_a || MODE_A == 2) do_a <= read(ad_a, WIDTH_A);
            else if (MODE_A == 1) do_a <= di_a;
            if (we_a) begin
                if (WIDTH_A < 8)
                    bytes[ad_a[13:3]] <= bytes[ad_a[13:3]] & ~((1 << WIDTH_A) - 1 << ad_a[2:0])
                                         | (di_a & (1 << WIDTH_A) - 1) << ad_a[2:0];
                else for (part_a = 0; part_a < WIDTH_A / BYTE; part_a = part_a + 1)
                    if (WIDTH_A < 16 || ad_a[part_a])
                        bytes[first(ad_a, WIDTH_A) + part_a] <= di_a[part_a * BYTE +: BYTE];
            end
        end

    always @(posedge clk_b or posedge async_rst_b)
        if (rst_b)
            do_b <= 0;
        else if (ce_b) begin
            if (!we_b || MODE_B == 2) do_b <= read(ad_b, WIDTH_B);
            else if (MODE_B == 1) do_b <= di_b;
            if (we_b) begin
                if (WIDTH_B < 8)
                    bytes[ad_b[13:3]] <= bytes[ad_b[13:3]] & ~((1 << WIDTH_B) - 1 << ad_b[2:0])
                                         | (di_b & (1 << WIDTH_B) - 1) << ad_b[2:0];
                else for (part_b = 0; part_b < WIDTH_B / BYTE; part_b = part_b + 1)
                    if (WIDTH_B < 16 || ad_b[part_b])
                        bytes[first(ad_b, WIDTH_B) + part_b] <= di_b[part_b * BYTE +: BYTE];
            end
        end
endmodule
