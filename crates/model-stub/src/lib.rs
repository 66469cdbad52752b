//! Model servers that are none: the offline model and the scripted stub with faults.
