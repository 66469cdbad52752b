//! Whether a server is there, and what it has.

use super::{Client, body, segment};
use crate::{Error, error::shorten, lenient, limits, object_info::ObjectInfo};
use bytes::Bytes;
use http::Method;
use ports::ByteStream;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// What `/system_stats` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemStats {
    /// ComfyUI's version; `None` from very old ones.
    pub version: Option<String>,
    /// The operating system, as Python calls it.
    pub os: Option<String>,
    /// The devices that it computes on, the first before all.
    pub devices: Vec<Device>,
}

/// A device that a server computes on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Device {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `cuda`, `cpu` and the like.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Bytes of its memory.
    #[serde(default)]
    pub vram_total: f64,
    /// Bytes of it that are free.
    #[serde(default)]
    pub vram_free: f64,
}

/// A server that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// What it says of itself.
    pub stats: SystemStats,
    /// How long that took, the connection included.
    pub response_time: Duration,
}

/// A server's node classes on their way: their answer has begun, and nothing of it is read yet.
pub struct ComingClasses {
    client: Client,
    body: ByteStream,
}

impl ComingClasses {
    /// The classes, once they are there.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn read(self) -> Result<ObjectInfo, Error> {
        let mut deadline = self.client.deadline(self.client.timeouts.answer);
        let json = body::collect(self.body, limits::OBJECT_INFO, &mut deadline).await?;
        ObjectInfo::parse(&json)
    }
}

impl Client {
    /// Asks whether the server is there.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Malformed`] when something else listens there.
    pub async fn probe(&self) -> Result<Probe, Error> {
        let began = self.clock.now();
        let stats = self.get("system_stats").await?;
        let took = self.clock.now().saturating_sub(began);
        let system = stats.get("system").filter(|system| system.is_object());
        let system = system.ok_or_else(|| Error::malformed("system_stats without `system`"))?;
        let text = |name| system.get(name).and_then(Value::as_str).map(shorten);
        let devices = stats.get("devices").and_then(Value::as_array);
        let devices = devices.into_iter().flatten().take(limits::NAMES);
        Ok(Probe {
            stats: SystemStats {
                version: text("comfyui_version"),
                os: text("os"),
                devices: devices
                    .filter_map(|device| Device::deserialize(device).ok())
                    .collect(),
            },
            response_time: Duration::from_millis(u64::try_from(took).unwrap_or_default()),
        })
    }

    /// The server's node classes.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn object_info(&self) -> Result<ObjectInfo, Error> {
        self.ask_object_info().await?.read().await
    }

    /// Asks for the server's node classes, until their answer begins. That may take the server
    /// long, and the classes are many: whoever has little room makes it only now.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn ask_object_info(&self) -> Result<ComingClasses, Error> {
        let request = self.request(Method::GET, "object_info", None, Bytes::new())?;
        let mut deadline = self.deadline(self.timeouts.answer);
        let response = self.send(request, &mut deadline).await?;
        Ok(ComingClasses {
            client: self.clone(),
            body: response.into_body(),
        })
    }

    /// One node class, alone in what is given; nothing in it when the server does not have it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn node_class(&self, class: &str) -> Result<ObjectInfo, Error> {
        let resource = format!("object_info/{}", segment(class));
        ObjectInfo::parse(&self.get_bytes(&resource, limits::OBJECT_INFO).await?)
    }

    /// The kinds of models that the server keeps, such as `checkpoints` and `loras`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn model_folders(&self) -> Result<Vec<String>, Error> {
        names(&self.get_bytes("models", limits::NAMES_ANSWER).await?)
    }

    /// The models of one kind; `None` when there is no such kind.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn models(&self, folder: &str) -> Result<Option<Vec<String>>, Error> {
        let resource = format!("models/{}", segment(folder));
        match self.get_bytes(&resource, limits::NAMES_ANSWER).await {
            Ok(body) => names(&body).map(Some),
            Err(Error::Status { code: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn names(body: &[u8]) -> Result<Vec<String>, Error> {
    let names: Value = lenient::answer(body)?;
    Vec::deserialize(names).map_err(|error| Error::malformed(format!("names: {error}")))
}
