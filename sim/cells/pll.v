// A clock generator without delays: it says how many times as fast as its reference it runs, and the
// bench makes the clock. It locks once its reference moves.
module hybnn_pll #(parameter MULTIPLY = 1, DIVIDE = 1) (
    input reference, output clock, output reg locked
);
    initial begin
        locked = 0;
        board.multiply = MULTIPLY;
        board.divide = DIVIDE;
    end
    assign clock = board.fast;
    always @(posedge reference) locked <= 1;
endmodule
