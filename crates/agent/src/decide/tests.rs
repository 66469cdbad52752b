//! The decision as tables: transcripts on one side, what comes next on the other.

use super::{Next, Situation, decide};
use crate::{
    Agent, Answer, Assignments, Body, Call, CallResult, CallState, End, Limits, MessageState,
    Model, Output, Prices, Reason, Spec, Step, Team, Tool, ToolError, Transcript, TranscriptError,
    Usage, missing,
};
use llm::{Endpoint, Timeouts};
use ports::BoxFuture;
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

struct Named(Spec);

impl Tool for Named {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn call<'a>(
        &'a self,
        _: Map<String, Value>,
        _: &'a crate::Caller,
    ) -> BoxFuture<'a, Result<Output, ToolError>> {
        unreachable!("nothing is called here")
    }
}

fn tool(name: &str, parallel: bool) -> Arc<dyn Tool> {
    Arc::new(Named(Spec {
        name: name.to_owned(),
        description: String::new(),
        parameters: json!({}),
        timeout: None,
        parallel,
    }))
}

fn agent(name: &str, leads: bool) -> Agent {
    Agent {
        name: name.to_owned(),
        role: String::new(),
        prompt: "p".to_owned(),
        model: Model {
            endpoint: Endpoint::parse("http://models.test", "", "m").unwrap(),
            timeouts: Timeouts::default(),
            max_tokens: None,
            window: 100_000,
            prices: Prices {
                input: 1_000_000,
                output: 1_000_000,
            },
            gate: None,
        },
        temperature: None,
        tools: vec![tool("read", true), tool("write", false)],
        leads,
        steps: 50,
    }
}

fn team() -> Team {
    Team::new(agent("Mike", true), vec![agent("Alex", false)])
}

fn user(text: &str) -> Body {
    Body::User {
        run_id: Uuid::nil(),
        message_id: Uuid::nil(),
        text: text.to_owned(),
    }
}

fn answer(text: &str, calls: &[(&str, &str)]) -> Body {
    Body::Answer(Answer {
        message_id: Uuid::nil(),
        started: !text.is_empty(),
        text: text.to_owned(),
        calls: calls.iter().map(|(id, tool)| call(id, tool)).collect(),
        state: MessageState::Complete,
        fault: None,
        usage: Usage::new(10, 1, Prices::default(), true),
    })
}

fn cut_off(state: MessageState) -> Body {
    let Body::Answer(answer) = answer("Half", &[]) else {
        unreachable!("it is one")
    };
    Body::Answer(Answer {
        state,
        fault: Some("it broke".to_owned()),
        ..answer
    })
}

fn call(id: &str, tool: &str) -> Call {
    Call {
        id: id.to_owned(),
        tool: tool.to_owned(),
        arguments: match tool {
            "assign" => json!({"agent": "Alex", "task": "help"}).to_string(),
            _ => "{}".to_owned(),
        },
    }
}

fn result(id: &str, tool: &str) -> Body {
    Body::Result(CallResult {
        call_id: id.to_owned(),
        tool: tool.to_owned(),
        state: CallState::Done,
        shown: format!("result of {id}"),
        size: 1,
        detail: None,
        duration_ms: 0,
    })
}

/// Steps a second apart, of Mike, or in a thread of Alex.
fn steps(bodies: Vec<(Option<&str>, Body)>) -> Vec<Step> {
    let steps = bodies
        .into_iter()
        .zip(1..)
        .map(|((thread, body), number)| Step {
            number,
            at: i64::try_from(number * 1_000).unwrap(),
            agent: Some(thread.map_or("Mike", |_| "Alex").to_owned()),
            thread: thread.map(str::to_owned),
            body,
        });
    steps.collect()
}

fn transcript(bodies: Vec<Body>) -> Transcript {
    let bodies = bodies.into_iter().map(|body| (None, body)).collect();
    Transcript::new(Vec::new(), steps(bodies)).unwrap()
}

fn next(transcript: &Transcript, thread: Option<&str>, limits: &Limits) -> Next {
    let team = team();
    let name = thread.map_or("Mike", |_| "Alex");
    decide(&Situation {
        team: &team,
        agent: team.agent(name).unwrap(),
        transcript,
        thread,
        depth: 1,
        limits,
        now: i64::try_from(transcript.next_number() * 1_000).unwrap(),
        overflowed: false,
    })
}

/// A short form of what comes next.
fn short(next: &Next) -> String {
    match next {
        Next::Ask { request, .. } => format!("ask {}", request.messages.len()),
        Next::Call(calls) => {
            let ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
            format!("call {}", ids.join(" "))
        }
        Next::Compact(compaction) => format!("compact {}", compaction.through),
        Next::Notice(_) => "notice".to_owned(),
        Next::Finish(end) => format!("{:?}", end.reason),
    }
}

#[test]
fn what_comes_next() {
    let notice = Body::Notice {
        text: "n".to_owned(),
    };
    let ended = Body::Ended(End::new(Reason::CostLimit, "x"));
    let four = [("a", "read"), ("b", "read"), ("c", "write"), ("d", "read")];
    for (expected, bodies) in [
        ("ask 2", vec![user("hi")]),
        ("Completed", vec![user("hi"), answer("ho", &[])]),
        ("Completed", vec![user("hi"), answer("", &[])]),
        ("ask 4", vec![user("hi"), answer("ho", &[]), notice]),
        ("call a b", vec![user("hi"), answer("", &four)]),
        (
            "call b",
            vec![user("hi"), answer("", &four), result("a", "read")],
        ),
        (
            "call c",
            vec![
                user("hi"),
                answer("", &four),
                result("a", "read"),
                result("b", "read"),
            ],
        ),
        (
            "call d",
            vec![
                user("hi"),
                answer("", &four),
                result("a", "read"),
                result("b", "read"),
                result("c", "write"),
            ],
        ),
        (
            "call x y",
            vec![user("hi"), answer("", &[("x", "unknown"), ("y", "assign")])],
        ),
        (
            "ask 4",
            vec![
                user("hi"),
                answer("", &[("a", "read")]),
                result("a", "read"),
            ],
        ),
        (
            "ModelFailed",
            vec![user("hi"), cut_off(MessageState::Failed)],
        ),
        (
            "ask 3",
            vec![user("hi"), cut_off(MessageState::Interrupted)],
        ),
        ("CostLimit", vec![user("hi"), answer("ho", &[]), ended]),
        ("ask 2", vec![user("hi"), Body::Resumed]),
        (
            "Completed",
            vec![user("hi"), answer("ho", &[]), Body::Paused, Body::Resumed],
        ),
    ] {
        let transcript = transcript(bodies);
        let next = next(&transcript, None, &Limits::default());
        assert_eq!(short(&next), expected, "{:#?}", transcript.all());
    }
}

#[test]
fn a_thread_knows_its_own_steps_only() {
    let transcript = Transcript::new(
        Vec::new(),
        steps(vec![
            (None, user("hi")),
            (None, answer("", &[("t", "assign"), ("u", "assign")])),
            (Some("t"), answer("", &[("a", "read")])),
            (Some("u"), answer("I am done", &[])),
        ]),
    )
    .unwrap();
    for (thread, expected) in [
        (None, "call t u"),
        (Some("t"), "call a"),
        (Some("u"), "Completed"),
    ] {
        let next = next(&transcript, thread, &Limits::default());
        assert_eq!(short(&next), expected, "{thread:?}");
    }
}

#[test]
fn limits_are_looked_at_before_the_model_is_asked() {
    let bodies = || {
        vec![
            user("hi"),
            answer("", &[("a", "read")]),
            result("a", "read"),
        ]
    };
    let none = Limits::default();
    for (expected, limits) in [
        ("ask 4", none),
        ("StepLimit", Limits { steps: 1, ..none }),
        ("ask 4", Limits { steps: 2, ..none }),
        ("TokenLimit", Limits { tokens: 11, ..none }),
        ("ask 4", Limits { tokens: 12, ..none }),
        (
            "TimeLimit",
            Limits {
                time: Duration::from_secs(3),
                ..none
            },
        ),
        (
            "ask 4",
            Limits {
                time: Duration::from_millis(3_001),
                ..none
            },
        ),
        (
            "CostLimit",
            Limits {
                cost: Some(crate::Cost(0)),
                ..none
            },
        ),
        (
            "ask 4",
            Limits {
                cost: Some(crate::Cost(1)),
                ..none
            },
        ),
    ] {
        let transcript = transcript(bodies());
        assert_eq!(
            short(&next(&transcript, None, &limits)),
            expected,
            "{limits:?}"
        );
    }
    // Calls that were made are carried out, and what is done is done.
    let strict = Limits { steps: 1, ..none };
    let transcript_ = transcript(vec![user("hi"), answer("", &[("a", "read")])]);
    assert_eq!(short(&next(&transcript_, None, &strict)), "call a");
    let transcript_ = transcript(vec![user("hi"), answer("ho", &[])]);
    assert_eq!(short(&next(&transcript_, None, &strict)), "Completed");
}

#[test]
fn time_between_a_crash_and_the_restart_does_not_count() {
    let mut steps = steps(vec![
        (None, user("hi")),
        (None, answer("", &[("a", "read")])),
        (None, Body::Resumed),
        (None, result("a", "read")),
        (None, Body::Resumed),
    ]);
    for (step, at) in steps
        .iter_mut()
        .zip([1_000, 3_000, 900_000, 901_000, 999_000])
    {
        step.at = at;
    }
    let transcript = Transcript::new(Vec::new(), steps).unwrap();
    assert_eq!(transcript.worked(1_000_000), Duration::from_secs(2 + 1 + 1));
    // A clock that was put back does no harm.
    assert_eq!(transcript.worked(0), Duration::from_secs(3));
}

#[test]
fn what_a_crash_left_open_is_closed_and_nothing_is_called_again() {
    let started = Body::Started {
        message_id: Uuid::from_u128(7),
        draft: "four words are here".to_owned(),
        asked: 100,
        prices: Prices {
            input: 1,
            output: 1,
        },
    };
    let bodies = || {
        vec![
            (None, user("hi")),
            (
                None,
                answer("", &[("a", "read"), ("b", "write"), ("t", "assign")]),
            ),
            (None, result("a", "read")),
            (Some("t"), answer("", &[("c", "read"), ("d", "read")])),
            (Some("t"), result("d", "read")),
            (Some("t"), started.clone()),
        ]
    };
    let ids = |transcript: &Transcript, assignments| -> Vec<String> {
        let missing = missing(transcript, assignments).into_iter();
        let ids = missing.map(|missing| match missing.body {
            Body::Answer(answer) => {
                assert_eq!((answer.usage.input, answer.usage.output), (100, 5));
                assert_eq!(answer.state, MessageState::Interrupted);
                format!("{} by {:?}", answer.text, missing.agent)
            }
            Body::Result(result) => {
                assert_eq!(result.state, CallState::Interrupted);
                result.call_id
            }
            other => format!("{other:?}"),
        });
        ids.collect()
    };
    let crashed = Transcript::new(Vec::new(), steps(bodies())).unwrap();
    let draft = "four words are here by Some(\"Alex\")";
    assert_eq!(ids(&crashed, Assignments::GoOn), [draft, "c", "b"]);
    assert_eq!(ids(&crashed, Assignments::End), [draft, "c", "b", "t"]);
    let mut paused = bodies();
    paused.pop();
    paused.push((None, Body::Paused));
    let paused = Transcript::new(Vec::new(), steps(paused)).unwrap();
    assert_eq!(ids(&paused, Assignments::GoOn), [""; 0]);
    assert_eq!(ids(&paused, Assignments::End), ["c", "b", "t"]);
}

#[test]
fn what_is_summarised_is_whole_and_leaves_what_is_new() {
    let team = team();
    let mut mike = team.agent("Mike").unwrap().clone();
    mike.model.window = 1_500;
    let long = |id: &str| {
        let Body::Result(result) = result(id, "read") else {
            unreachable!("it is one")
        };
        Body::Result(CallResult {
            shown: "word ".repeat(240),
            ..result
        })
    };
    let bodies = || {
        vec![
            user("the task"),
            answer("", &[("a", "read")]),
            long("a"),
            answer("", &[("b", "read"), ("c", "read")]),
            long("b"),
            long("c"),
            answer("", &[("d", "read")]),
            long("d"),
        ]
    };
    let look = |bodies, overflowed| {
        let transcript = transcript(bodies);
        let next = decide(&Situation {
            team: &team,
            agent: &mike,
            transcript: &transcript,
            thread: None,
            depth: 1,
            limits: &Limits::default(),
            now: 9_000,
            overflowed,
        });
        (short(&next), next)
    };
    // 300 tokens each: the last pair is kept, both results of the one before go with their calls.
    let (said, next) = look(bodies(), false);
    assert_eq!(said, "compact 6");
    let Next::Compact(compaction) = next else {
        unreachable!("it is one")
    };
    let asked = &compaction.request.messages[1].content;
    assert!(asked.contains("User: the task") && asked.contains("Assistant called read"));
    assert!(compaction.request.tools.is_empty());

    let mut after = bodies();
    after.push(Body::Compaction {
        through: 6,
        summary: "the summary".to_owned(),
        usage: Usage::default(),
    });
    let (said, next) = look(after.clone(), false);
    assert_eq!(said, "ask 5");
    let Next::Ask { request, .. } = next else {
        unreachable!("it is one")
    };
    let told: Vec<&str> = request
        .messages
        .iter()
        .map(|message| message.content.as_str())
        .collect();
    assert_eq!(told[1], "[Summary of what happened before]\nthe summary");
    assert_eq!(told[2], "the task");
    assert_eq!(told[3], "");

    // The server says that it is still too long: the rest goes, then there is nothing left to cut.
    assert_eq!(look(after.clone(), true).0, "compact 8");
    after.push(Body::Compaction {
        through: 8,
        summary: "short".to_owned(),
        usage: Usage::default(),
    });
    assert_eq!(look(after.clone(), true).0, "ContextTooLong");
    assert_eq!(look(after, false).0, "ask 3");
}

#[test]
fn what_the_server_counted_counts_more_than_an_estimate() {
    let team = team();
    let mut mike = team.agent("Mike").unwrap().clone();
    mike.model.window = 1_000;
    let counted = |input| {
        let Body::Answer(answer) = answer("", &[("a", "read")]) else {
            unreachable!("it is one")
        };
        Body::Answer(Answer {
            usage: Usage::new(input, 1, Prices::default(), false),
            ..answer
        })
    };
    for (input, expected) in [(700, "ask 4"), (800, "compact 3")] {
        let transcript = transcript(vec![user("hi"), counted(input), result("a", "read")]);
        let next = decide(&Situation {
            team: &team,
            agent: &mike,
            transcript: &transcript,
            thread: None,
            depth: 1,
            limits: &Limits::default(),
            now: 9_000,
            overflowed: false,
        });
        assert_eq!(short(&next), expected, "{input}");
    }
}

#[test]
fn steps_that_are_no_transcript() {
    let check = |earlier, run, expected| {
        assert_eq!(Transcript::new(earlier, run).map(drop), expected);
    };
    let of = |bodies: Vec<Body>| steps(bodies.into_iter().map(|body| (None, body)).collect());
    check(Vec::new(), Vec::new(), Err(TranscriptError::NoBeginning));
    check(
        Vec::new(),
        of(vec![Body::Resumed]),
        Err(TranscriptError::NoBeginning),
    );
    let mut twice = of(vec![user("a"), Body::Resumed]);
    twice[1].number = 1;
    check(Vec::new(), twice, Err(TranscriptError::Disorder));
    check(
        of(vec![user("a")]),
        of(vec![user("b")]),
        Err(TranscriptError::Disorder),
    );
    check(Vec::new(), of(vec![user("a"), Body::Resumed]), Ok(()));
}
