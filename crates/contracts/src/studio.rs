//! The `studio` contract: ComfyUI services and workflows that agents edit ("API 接口设计").

use serde::Serialize;

/// What every success is wrapped in ("响应格式"). Errors are problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Envelope<T> {
    /// Always 200, the status.
    pub code: u16,
    /// Always `success`.
    pub message: &'static str,
    /// What the operation answers; null where it answers nothing.
    pub data: T,
}

impl<T> Envelope<T> {
    /// The success that carries `data`.
    pub fn of(data: T) -> Self {
        Self {
            code: 200,
            message: "success",
            data,
        }
    }
}
