"""Findings about this machine, with remedies; nothing here raises for a missing part.

finding.py    one finding about a machine, with its remedy
gpu.py        findings about the NVIDIA driver, CUDA in PyTorch, and NVDEC
resources.py  findings about cores, memory and disk space, as this process may use them
software.py   findings about Python, PyTorch, and the FFmpeg inside PyAV and OpenCV
versions.py   findings about installed versions against tested versions
"""
