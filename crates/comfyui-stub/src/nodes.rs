//! The node classes: as text, because the order of their inputs counts.

use crate::files::Files;
use comfyui::{Kind, ObjectInfo};

const OBJECT_INFO: &str = include_str!("object_info.json");
/// The list of input files in [`OBJECT_INFO`], as one line of it.
const INPUT_FILES: &str = "\"example.png\"";

/// The answer of `/object_info`.
pub(crate) fn object_info_json(files: &Files) -> String {
    let names = files.input_names();
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    OBJECT_INFO.replace(INPUT_FILES, &names.join(", "))
}

pub(crate) fn object_info(files: &Files) -> ObjectInfo {
    ObjectInfo::parse(object_info_json(files).as_bytes()).unwrap_or_default()
}

/// The models of each folder, by the input that lists them.
pub(crate) const MODEL_FOLDERS: [(&str, &str, &str); 4] = [
    ("checkpoints", "CheckpointLoaderSimple", "ckpt_name"),
    ("loras", "LoraLoader", "lora_name"),
    ("upscale_models", "UpscaleModelLoader", "model_name"),
    ("vae", "VAELoader", "vae_name"),
];

/// The models of a folder; `None` when there is no such folder.
pub(crate) fn models(info: &ObjectInfo, folder: &str) -> Option<Vec<String>> {
    let (_, class, input) = MODEL_FOLDERS.iter().find(|(name, _, _)| *name == folder)?;
    match &info.class(class)?.input(input)?.spec.kind {
        Kind::Combo(values) => Some(
            values
                .iter()
                .filter_map(|value| Some(value.as_str()?.to_owned()))
                .collect(),
        ),
        _ => None,
    }
}
