"""`python -m bandmate_bench.timing.engines`: compare the inference engines that are installed."""

from bandmate_bench.timing.engines.compare import main

main()
