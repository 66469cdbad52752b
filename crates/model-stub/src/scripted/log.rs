//! What a [`super::ScriptedModel`] was asked, and how each exchange ended.

use serde_json::Value;
use tokio::sync::watch;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The header fields in order, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as JSON; `null` if it is none.
    pub json: Value,
}

impl Recorded {
    /// The first header field of that name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let (_, value) = fields.find(|(field, _)| field == name)?;
        Some(value)
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The script was played to its end.
    Played,
    /// The client closed the connection before.
    ClientLeft,
    /// The server was killed before.
    Killed,
}

/// Every exchange in the order of the requests.
#[derive(Debug, Default)]
pub(super) struct Log {
    exchanges: watch::Sender<Vec<Exchange>>,
}

#[derive(Clone, Debug)]
struct Exchange {
    request: Recorded,
    outcome: Option<Outcome>,
}

impl Log {
    /// Takes note of a request; returns its number.
    pub(super) fn begin(&self, request: Recorded) -> usize {
        let mut number = 0;
        self.exchanges.send_modify(|exchanges| {
            number = exchanges.len();
            exchanges.push(Exchange {
                request,
                outcome: None,
            });
        });
        number
    }

    /// Takes note of the end of the exchange `number`.
    pub(super) fn end(&self, number: usize, outcome: Outcome) {
        self.exchanges.send_modify(|exchanges| {
            if let Some(exchange) = exchanges.get_mut(number) {
                exchange.outcome = Some(outcome);
            }
        });
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        let exchanges = self.exchanges.borrow();
        exchanges
            .iter()
            .map(|exchange| exchange.request.clone())
            .collect()
    }

    pub(super) async fn request(&self, number: usize) -> Recorded {
        self.wait_for(|exchanges| Some(exchanges.get(number)?.request.clone()))
            .await
    }

    pub(super) async fn outcome(&self, number: usize) -> Outcome {
        self.wait_for(|exchanges| exchanges.get(number)?.outcome)
            .await
    }

    async fn wait_for<T>(&self, look: impl Fn(&[Exchange]) -> Option<T>) -> T {
        let mut changes = self.exchanges.subscribe();
        loop {
            if let Some(found) = look(&changes.borrow_and_update()) {
                return found;
            }
            if changes.changed().await.is_err() {
                // The sender is `self`: it cannot be gone.
                std::future::pending::<()>().await;
            }
        }
    }
}
