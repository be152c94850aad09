(module $m binary "\0feature gc\006\01\7f\00A\07\0b\\7f\02ice")
