//! When and where a sparse network is rewired: windows, scores, the drop-grow machine, SET, RigL, DSR.
