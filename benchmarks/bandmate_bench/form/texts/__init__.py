"""Words for the benchmark's songs, written for it: short ones of 16 lines, long ones of 32."""
