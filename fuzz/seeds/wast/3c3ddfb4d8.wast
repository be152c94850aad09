# a# a hice
oth:12
