// Plays a host on two wires: what it does is in a file of 32-bit words, least significant byte first.
// The highest bit is a level, the rest the cycles that rx has it; 0 waits until both wires are
// idle, and begins the next window. Each byte on tx becomes a line as in bytes.v.
`timescale 1ns/1ns
module bench;
    parameter DIVISOR = 16;                // Cycles of a bit.
    parameter QUIET = 20 * DIVISOR;

    reg clk = 0, rst = 1, rx = 1;
    wire tx;
    integer source, sink, quiet = 0, window = 0, at;
    reg [31:0] record;
    reg [7:0] data;
    reg [8 * 256 - 1 : 0] name;

    wired dut(.clk(clk), .rst(rst), .rx(rx), .tx(tx));

    always #1 clk = ~clk;
    always @(posedge clk) quiet = tx && rx ? quiet + 1 : 0;

    always begin
        @(negedge tx);
        repeat (DIVISOR + DIVISOR / 2) @(posedge clk);
        for (at = 0; at < 8; at = at + 1) begin
            data[at] = tx;
            repeat (DIVISOR) @(posedge clk);
        end
        if (tx) $fwrite(sink, "%0d\n", window * 256 + data);
    end

    function [31:0] next;
        input unused;
        integer place, one;
        begin
            for (place = 0; place < 4; place = place + 1) begin
                one = $fgetc(source);
                next[8 * place +: 8] = one;
            end
        end
    endfunction

    initial begin
        if ($value$plusargs("source=%s", name)) source = $fopen(name, "rb");
        if ($value$plusargs("sink=%s", name)) sink = $fopen(name, "w");
        repeat (3) @(negedge clk);
        rst = 0;
        record = next(0);
        while (!$feof(source)) begin
            if (record == 0) begin
                rx = 1;
                while (quiet < QUIET) @(negedge clk);
                window = window + 1;
            end else begin
                rx = record[31];
                repeat (record[30:0]) @(negedge clk);
            end
            record = next(0);
        end
        $fclose(sink);
        $finish;
    end
endmodule
