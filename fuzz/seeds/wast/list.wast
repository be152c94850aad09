# a list
file.wast:1

file.wast:3 # twice
other.wast:12
