//! Thread pools for code that blocks: bounded, named, cancellable, shut down in order.
