//! How much a ComfyUI server, a workflow or an agent may send. Beyond it there is an error.

/// Bytes of `/object_info`. A server with many custom nodes and models sends some 10 MB.
pub const OBJECT_INFO: usize = 48 << 20;

/// Bytes of any other JSON that a server answers with; a history entry repeats its prompt.
pub const ANSWER: usize = 16 << 20;

/// Bytes of a list of models, or of their folders.
pub const NAMES_ANSWER: usize = 4 << 20;

/// Bytes of memory that an answer or a frame may take once it is read: an instance has 128 MiB.
pub const ANSWER_WEIGHT: usize = 16 << 20;

/// Bytes of `/queue`, which repeats the prompts of everybody; little of it is kept.
pub const QUEUE: usize = 64 << 20;

/// Bytes that are read of the body of a refusal.
pub const REFUSAL: usize = 1 << 20;

/// Bytes of one file from `/view`.
pub const FILE: usize = 256 << 20;

/// Bytes of one uploaded file.
pub const UPLOAD: usize = 64 << 20;

/// Bytes of one frame of the socket. Previews are pictures of some 100 KB.
pub const FRAME: usize = 16 << 20;

/// Bytes of a workflow as JSON.
pub const WORKFLOW: usize = 10 << 20;

/// Bytes of memory that a workflow may take once it is read; some three thousand nodes of the
/// editor. An instance has 128 MiB, and a workflow is in it in several forms.
pub const WORKFLOW_WEIGHT: usize = 16 << 20;

/// The same of what a workflow in editor format is converted to, where what stands in a subgraph is
/// there once for each of its instances.
pub const PROMPT_WEIGHT: usize = 24 << 20;

/// Levels of a workflow's JSON.
pub const WORKFLOW_DEPTH: usize = 64;

/// Nodes of a workflow, after its subgraphs are expanded.
pub const NODES: usize = 10_000;

/// Inputs of a workflow's nodes and saved values, after its subgraphs are expanded. More than
/// [`WORKFLOW_WEIGHT`] allows without subgraphs.
pub const VALUES: usize = 500_000;

/// Bytes of the id of a node or of a subgraph, and of `outer:inner` once subgraphs are expanded.
/// Whatever is said of a node repeats its id.
pub const NODE_ID: usize = 200;

/// Links of a workflow's graph, and of each subgraph.
pub const LINKS: usize = 100_000;

/// Subgraphs within subgraphs.
pub const SUBGRAPH_DEPTH: usize = 32;

/// Files and texts of one node's output that are kept.
pub const OUTPUTS: usize = 1_000;

/// Operations of one JSON Patch.
pub const PATCH_OPERATIONS: usize = 200;

/// Characters of what a server said about an error, as it is kept.
pub const DETAIL: usize = 500;

/// Names that one message lists before it says how many more there are.
pub const NAMES: usize = 10;

/// Nodes that are named for one node at fault: the outputs that need it, or a circle.
pub const NAMED_NODES: usize = 20;

/// Problems that are kept of one prompt.
pub const PROBLEMS: usize = 2_000;
