"""Many designs and engines, ours and others', built and lined up for hw.bench."""
