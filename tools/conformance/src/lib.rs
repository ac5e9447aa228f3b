//! CPython as the judge: recorded programs and their outputs.
