// A design that is not ours, with a core called classifier in it: it counts what is wrong.
module camera (
  input  logic       clk,
  input  logic       rst,
  input  logic [7:0] pixels_tdata,
  input  logic       pixels_tvalid,
  input  logic       pixels_tlast,
  output logic       pixels_tready,
  output logic [7:0] labels_tdata,
  output logic       labels_tvalid,
  output logic       labels_tlast,
  input  logic       labels_tready,
  output logic [7:0] errors,
  output logic [7:0] unstable
);
  logic error, waited, last;
  logic [7:0] data;

  classifier network (
    .aclk(clk), .aresetn(!rst),
    .s_axis_tdata(pixels_tdata), .s_axis_tvalid(pixels_tvalid), .s_axis_tlast(pixels_tlast),
    .s_axis_tready(pixels_tready),
    .m_axis_tdata(labels_tdata), .m_axis_tvalid(labels_tvalid), .m_axis_tlast(labels_tlast),
    .m_axis_tready(labels_tready),
    .error(error)
  );

  initial {errors, unstable, waited} = 0;
  // Neither is forgotten in a reset, in which nothing counts.
  always @(posedge clk) begin
    waited <= !rst && labels_tvalid && !labels_tready;
    data <= labels_tdata;
    last <= labels_tlast;
    if (!rst && error) errors <= errors + 8'd1;
    if (!rst && waited && (!labels_tvalid || labels_tdata != data || labels_tlast != last))
      unstable <= unstable + 8'd1;
  end
endmodule
