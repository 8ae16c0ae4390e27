// Plays a host to an accelerator: what it does is in a file of 16-bit words, least significant byte
// first. 00XX: send the byte XX; 01XX: wait until the board is silent, and begin the next window;
// 02XX: reset; 03XX: do nothing for XX cycles. Each byte of the board becomes a line: the number of
// the window, times 256, plus the byte.
`timescale 1ns/1ns
module bench;
    parameter QUIET = 64;     // Cycles: more than an inference and the first byte of an answer take.

    reg clk = 0, rst = 1, valid = 0;
    reg [7:0] data = 0;
    wire ready, tx_valid;
    wire [7:0] tx;
    integer source, sink, low, high, quiet = 0, window = 0;
    reg [8 * 256 - 1 : 0] name;

    accelerator dut(.clk(clk), .rst(rst),
                    .rx__payload(data), .rx__valid(valid), .rx__ready(ready),
                    .tx__payload(tx), .tx__valid(tx_valid), .tx__ready(1'b1));

    always #1 clk = ~clk;

    // What is unknown is written, and no number.
    always @(posedge clk) begin
        quiet = quiet + 1;
        if (!rst && tx_valid !== 1'b0) begin
            $fwrite(sink, "%0d\n", window * 256 + tx);
            quiet = 0;
        end
    end

    task reset;
        begin
            rst = 1;
            @(negedge clk);
            @(negedge clk);
            rst = 0;
        end
    endtask

    task send;
        reg taken;
        begin
            data = low;
            valid = 1;
            taken = 0;
            while (!taken) begin
                @(posedge clk);
                taken = ready;
                @(negedge clk);
            end
            valid = 0;
            quiet = 0;
        end
    endtask

    initial begin
        if ($value$plusargs("source=%s", name)) source = $fopen(name, "rb");
        if ($value$plusargs("sink=%s", name)) sink = $fopen(name, "w");
        @(negedge clk);
        reset;
        low = $fgetc(source);
        high = $fgetc(source);
        while (high >= 0) begin
            case (high)
                0: send;
                1: begin
                    while (quiet < QUIET) @(negedge clk);
                    window = window + 1;
                end
                2: reset;
                default: repeat (low) @(negedge clk);
            endcase
            low = $fgetc(source);
            high = $fgetc(source);
        end
        $fclose(sink);
        $finish;
    end
endmodule
