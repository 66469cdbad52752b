//! A sandbox's workspace as files: resolved beneath its root by the kernel, and watched.
