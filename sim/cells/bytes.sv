// A core of hw.core as sim/driver.cpp drives an accelerator: the bytes of inputs in, of answers out.
module bytes #(parameter integer N = 1) (
    input clk, input rst,
    input rx__valid, input [7:0] rx__payload, output rx__ready,
    output tx__valid, output [7:0] tx__payload, input tx__ready);

  reg [15:0] count = 0;
  wire last = count == N - 1;

  always @(posedge clk)
    if (rst) count <= 0;
    else if (rx__valid && rx__ready) count <= last ? 0 : count + 1;

  hybnn_core core (
      .aclk(clk), .aresetn(~rst),
      .s_axis_tdata(rx__payload), .s_axis_tvalid(rx__valid), .s_axis_tlast(last),
      .s_axis_tready(rx__ready),
      .m_axis_tdata(tx__payload), .m_axis_tvalid(tx__valid), .m_axis_tlast(),
      .m_axis_tready(tx__ready), .error());
endmodule
