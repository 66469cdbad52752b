//! What nodes show when they are done: files on the server, and texts.

use crate::limits;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What one node shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeOutput {
    /// Files, to be fetched with [`crate::Client::view`].
    pub files: Vec<OutputFile>,
    /// Texts.
    pub texts: Vec<String>,
}

/// A file on the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutputFile {
    /// What the node calls it: `images`, `gifs`, `audio`, `video`, `3d` and the like.
    pub kind: String,
    /// Its name, as the server knows it. Whoever stores it elsewhere makes a name of their own.
    pub filename: String,
    /// The folder below that of `folder`; often empty.
    pub subfolder: String,
    /// `output`, `temp` (previews, which a restart deletes) or `input`.
    pub folder: String,
}

/// What the nodes of a prompt show, by node id.
pub type Outputs = BTreeMap<String, NodeOutput>;

impl NodeOutput {
    /// Reads `{images: [{filename, subfolder, type}], text: […], …}`; what is neither a file nor
    /// a text is left out.
    pub(crate) fn read(output: &Value) -> Self {
        let mut read = Self::default();
        let members = output.as_object().into_iter().flatten();
        let items = members.flat_map(|(kind, list)| {
            let list = list.as_array().into_iter().flatten();
            list.map(move |item| (kind, item))
        });
        for (kind, item) in items.take(limits::OUTPUTS) {
            match item {
                Value::Object(item) => read.files.extend(file(kind, item)),
                Value::String(text) => read.texts.push(text.clone()),
                _ => {}
            }
        }
        read
    }
}

/// Reads `{node: output}`.
pub(crate) fn read_all(outputs: &Value) -> Outputs {
    let nodes = outputs.as_object().into_iter().flatten();
    nodes
        .take(limits::NODES)
        .map(|(id, output)| (id.clone(), NodeOutput::read(output)))
        .collect()
}

fn file(kind: &str, item: &Map<String, Value>) -> Option<OutputFile> {
    let text = |name| item.get(name).and_then(Value::as_str);
    Some(OutputFile {
        kind: kind.to_owned(),
        filename: text("filename")?.to_owned(),
        subfolder: text("subfolder").unwrap_or_default().to_owned(),
        folder: text("type").unwrap_or("output").to_owned(),
    })
}
