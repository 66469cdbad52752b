//! Agents, models, providers and executions.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

mod given;

use domain::{
    AgentId, AgentName, AgentType, Availability, ExecutionStatus, ExecutionType, Model, ModelCode,
    ModelId, ModelName, ModelType, Provider, ProviderCode, ProviderId, ProviderUrl, Sealed,
    SessionId, TOOLS, Timestamp, TokenUsage,
};
use given::{database, fresh};
use platform_native::sqlite::Database;
use store::{
    Window,
    agents::{self, AgentChange, AgentFilter, NewAgent, Removed},
    executions::{self, Ending, ExecutionFilter, NewExecution},
    models::{self, ModelChange, ModelFilter, NewModel},
    providers::{self, Deleted, Key, NewProvider, ProviderChange},
};

const ALL: Window = Window {
    skip: 0,
    limit: 100,
};

async fn provider(sql: &Database, code: &str) -> Option<Provider> {
    let sealed = Sealed(format!("sealed {code}"));
    let new = NewProvider {
        uuid: fresh(),
        name: &ModelName::parse(code).expect("a name"),
        code: &ProviderCode::parse(code).expect("a code"),
        base_url: &ProviderUrl::parse("https://models.example.com/v1").expect("a URL"),
        api_key: Some(Key {
            sealed: &sealed,
            hint: Some("cdef"),
        }),
        rate_limit: Some(5),
        timeout_ms: 60_000,
        local: true,
        status: Availability::Active,
        now: 3,
    };
    providers::insert(sql, &new).await.expect("a statement")
}

async fn insert_model(sql: &Database, provider: ProviderId, code: &str) -> models::Inserted {
    let new = NewModel {
        uuid: fresh(),
        provider,
        name: &ModelName::parse(code).expect("a name"),
        code: &ModelCode::parse(code).expect("a code"),
        model_type: ModelType::Chat,
        max_tokens: Some(128_000),
        support_stream: true,
        support_tools: false,
        input_price: 2_500_000,
        output_price: 10_000_000,
        status: Availability::Active,
        now: 4,
    };
    models::insert(sql, &new).await.expect("a statement")
}

async fn model(sql: &Database, provider: ProviderId, code: &str) -> Model {
    match insert_model(sql, provider, code).await {
        models::Inserted::Done(model) => model,
        other => panic!("{code}: {other:?}"),
    }
}

async fn insert_agent(sql: &Database, name: &str, model: Option<ModelId>) -> agents::Inserted {
    let new = NewAgent {
        uuid: fresh(),
        name: &AgentName::parse(name).expect("a name"),
        agent_type: AgentType::Chat,
        title: "One",
        description: "Two",
        model,
        system_prompt: "Three",
        temperature: Some(0.5),
        max_tokens: Some(7),
        tools: &["exec".to_owned()],
        status: Availability::Active,
        now: 5,
    };
    agents::insert(sql, &new).await.expect("a statement")
}

async fn agent(sql: &Database, name: &str, model: Option<ModelId>) -> domain::Agent {
    match insert_agent(sql, name, model).await {
        agents::Inserted::Done(agent) => *agent,
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn the_team_is_there_from_the_beginning() {
    let sql = database().await;
    let listed = agents::list(&sql, AgentFilter::default(), ALL).await;
    let listed = listed.expect("a list");
    let names: Vec<_> = listed
        .items
        .iter()
        .map(|listed| &*listed.agent.name)
        .collect();
    let expected = ["Mike", "Emma", "Bob", "Alex", "David", "Assistant", "Comfy"];
    assert_eq!((names.as_slice(), listed.total), (expected.as_slice(), 7));
    for (number, listed) in (1..).zip(&listed.items) {
        let agent = &listed.agent;
        assert_eq!(agent.id, AgentId(number));
        assert!(agent.built_in && agent.status == Availability::Active);
        assert!(
            agent
                .system_prompt
                .contains("in the language that the user writes")
        );
        let known = |tool: &String| TOOLS.contains(&tool.as_str());
        assert!(agent.tools.iter().all(known), "{:?}", agent.tools);
    }
    for (agent_type, expected) in [
        (AgentType::Lead, &["Mike"][..]),
        (AgentType::Specialist, &["Emma", "Bob", "Alex", "David"]),
        (AgentType::Chat, &["Assistant"]),
        (AgentType::Workflow, &["Comfy"]),
    ] {
        let active = agents::active_by_type(&sql, agent_type).await;
        let active = active.expect("a list");
        let names: Vec<_> = active.iter().map(|found| &*found.agent.name).collect();
        assert_eq!(names, expected);
        assert!(active.iter().all(|found| found.model.is_none()));
    }
}

#[tokio::test]
async fn an_agent_comes_with_its_model_and_provider() {
    let sql = database().await;
    let provider = provider(&sql, "main").await.expect("a provider");
    assert_eq!(provider.api_key, Some(Sealed("sealed main".to_owned())));
    let model = model(&sql, provider.id, "m1").await;
    let agent = agent(&sql, "Ann", Some(model.id)).await;
    assert_eq!(agent.temperature, Some(0.5));
    let found = agents::by_name(&sql, "aNN").await.expect("a query");
    let found = found.expect("the agent");
    assert_eq!(found.agent, agent);
    assert_eq!(found.model, Some((model.clone(), provider.clone())));
    assert!(model.is_usable(&provider));
    let change = ProviderChange {
        status: Some(Availability::Disabled),
        ..ProviderChange::default()
    };
    let changed = providers::update(&sql, provider.id, &change, 9).await;
    assert_eq!(changed.expect("a statement"), providers::Changed::Done);
    let found = agents::by_name(&sql, "Ann").await.expect("a query");
    let (model, provider) = found.and_then(|found| found.model).expect("a model");
    assert_eq!(model.status, Availability::Active);
    assert!(!model.is_usable(&provider));
    assert_eq!(
        agents::by_name(&sql, "nobody").await.expect("a query"),
        None
    );
}

#[tokio::test]
async fn what_is_needed_is_not_deleted() {
    let sql = database().await;
    let provider = provider(&sql, "main").await.expect("a provider").id;
    let model = model(&sql, provider, "m1").await.id;
    let ann = agent(&sql, "Ann", Some(model)).await.id;
    let needed = |name: &str| Deleted::Needed(vec![name.to_owned()]);
    let of_provider = async || {
        providers::delete(&sql, provider)
            .await
            .expect("a statement")
    };
    let of_model = async || models::delete(&sql, model).await.expect("a statement");
    assert_eq!(of_provider().await, needed("m1"));
    assert_eq!(of_model().await, needed("Ann"));
    let removed = agents::remove(&sql, ann, 9).await.expect("a statement");
    assert_eq!(removed, Removed::Deleted);
    assert_eq!(of_model().await, Deleted::Done);
    assert_eq!(of_model().await, Deleted::Gone);
    assert_eq!(of_provider().await, Deleted::Done);
    assert_eq!(of_provider().await, Deleted::Gone);
}

#[tokio::test]
async fn names_and_codes_are_unique() {
    let sql = database().await;
    let one = provider(&sql, "main").await.expect("a provider").id;
    assert_eq!(provider(&sql, "MAIN").await, None);
    let other = provider(&sql, "other").await.expect("a provider").id;
    let first = model(&sql, one, "m1").await.id;
    model(&sql, one, "M1").await;
    let elsewhere = model(&sql, other, "m1").await.id;
    let again = insert_model(&sql, one, "m1").await;
    assert_eq!(again, models::Inserted::CodeTaken);
    let nobodys = insert_model(&sql, ProviderId(99), "m1").await;
    assert_eq!(nobodys, models::Inserted::NoProvider);
    let move_to = async |model, provider| {
        let change = ModelChange {
            provider: Some(ProviderId(provider)),
            ..ModelChange::default()
        };
        models::update(&sql, model, &change, 9)
            .await
            .expect("a statement")
    };
    assert_eq!(move_to(elsewhere, one.0).await, models::Changed::CodeTaken);
    assert_eq!(move_to(elsewhere, 99).await, models::Changed::NoProvider);
    assert_eq!(move_to(ModelId(99), one.0).await, models::Changed::Gone);
    assert_eq!(move_to(first, one.0).await, models::Changed::Done);
    let mike = insert_agent(&sql, "mike", None).await;
    assert_eq!(mike, agents::Inserted::NameTaken);
    let ann = insert_agent(&sql, "Ann", Some(ModelId(99))).await;
    assert_eq!(ann, agents::Inserted::NoModel);
    let name = AgentName::parse("EMMA").expect("a name");
    for (id, name, model, expected) in [
        (1, Some(&name), None, agents::Changed::NameTaken),
        (2, Some(&name), None, agents::Changed::Done),
        (1, None, Some(Some(ModelId(99))), agents::Changed::NoModel),
        (1, None, Some(Some(first)), agents::Changed::Done),
        (1, None, Some(None), agents::Changed::Done),
        (99, None, None, agents::Changed::Gone),
    ] {
        let change = AgentChange {
            name,
            model,
            ..AgentChange::default()
        };
        let changed = agents::update(&sql, AgentId(id), &change, 9).await;
        assert_eq!(changed.expect("a statement"), expected, "{id} {model:?}");
    }
}

#[tokio::test]
async fn agents_ask_models_that_chat() {
    let sql = database().await;
    let provider = provider(&sql, "main").await.expect("a provider").id;
    let model = model(&sql, provider, "m1").await.id;
    let become_one_of = async |model_type| {
        let change = ModelChange {
            model_type: Some(model_type),
            ..ModelChange::default()
        };
        models::update(&sql, model, &change, 9)
            .await
            .expect("a statement")
    };
    let ann = agent(&sql, "Ann", Some(model)).await.id;
    let needed = models::Changed::Needed(vec!["Ann".to_owned()]);
    assert_eq!(become_one_of(ModelType::Image).await, needed);
    assert_eq!(become_one_of(ModelType::Chat).await, models::Changed::Done);
    agents::remove(&sql, ann, 9).await.expect("a statement");
    assert_eq!(become_one_of(ModelType::Image).await, models::Changed::Done);
    let ben = insert_agent(&sql, "Ben", Some(model)).await;
    assert_eq!(ben, agents::Inserted::NoModel);
    let filter = |model_type| ModelFilter {
        model_type: Some(model_type),
        ..ModelFilter::default()
    };
    for (model_type, expected) in [(ModelType::Image, 1), (ModelType::Chat, 0)] {
        let listed = models::list(&sql, filter(model_type), ALL).await;
        assert_eq!(listed.expect("a list").total, expected);
    }
}

#[tokio::test]
async fn a_key_stays_with_the_server_that_it_was_judged_for() {
    let sql = database().await;
    let known = provider(&sql, "main").await.expect("a provider");
    let id = known.id;
    let elsewhere = ProviderUrl::parse("https://evil.example.com").expect("a URL");
    let update = async |id, change: ProviderChange<'_>| {
        let changed = providers::update(&sql, id, &change, 9).await;
        changed.expect("a statement")
    };
    let move_if = async |id, known: &Provider| {
        let change = ProviderChange {
            base_url: Some(&elsewhere),
            only_if: Some(known),
            ..ProviderChange::default()
        };
        update(id, change).await
    };
    let mut other = known.clone();
    other.base_url = "https://old.example.com".to_owned();
    assert_eq!(move_if(id, &other).await, providers::Changed::Overtaken);
    for api_key in [None, Some(Sealed("another".to_owned()))] {
        let other = Provider {
            api_key,
            ..known.clone()
        };
        assert_eq!(move_if(id, &other).await, providers::Changed::Overtaken);
    }
    let nobody = ProviderId(99);
    assert_eq!(move_if(nobody, &known).await, providers::Changed::Gone);
    assert_eq!(move_if(id, &known).await, providers::Changed::Done);
    let sealed = |text: &str| Sealed(text.to_owned());
    for (old, expected) in [("sealed main", true), ("sealed main", false), ("new", true)] {
        let done = providers::reseal(&sql, id, &sealed(old), &sealed("new")).await;
        assert_eq!(done.expect("a statement"), expected);
    }
    let without = ProviderChange {
        api_key: Some(None),
        ..ProviderChange::default()
    };
    assert_eq!(update(id, without).await, providers::Changed::Done);
    let found = providers::find(&sql, id).await.expect("a query");
    let found = found.expect("the provider").provider;
    assert_eq!((found.api_key, found.api_key_hint), (None, None));
    assert_eq!(found.base_url, "https://evil.example.com");
}

async fn begin(sql: &Database, agent: i64, session: i64, now: i64) -> Option<domain::Execution> {
    let new = NewExecution {
        uuid: fresh(),
        run_id: Some("run"),
        agent: AgentId(agent),
        session: Some(SessionId(session)),
        execution_type: ExecutionType::Chat,
        now,
    };
    executions::insert(sql, &new).await.expect("a statement")
}

#[tokio::test]
async fn history_is_kept_and_filtered() {
    let sql = database().await;
    let ann = agent(&sql, "Ann", None).await.id;
    let one = begin(&sql, ann.0, 1, 1_000).await.expect("an execution");
    let other = begin(&sql, ann.0, 2, 2_000).await.expect("an execution");
    begin(&sql, 1, 1, 3_000).await.expect("an execution");
    assert_eq!(begin(&sql, 99, 1, 1_000).await, None);
    let usage = TokenUsage {
        input: 10,
        output: 20,
        cost: 225,
        estimated: true,
    };
    let ending = Ending {
        status: ExecutionStatus::Failed,
        reason: Some("the model fell silent"),
        usage,
        now: 4_500,
    };
    for expected in [true, false] {
        let finished = executions::finish(&sql, one.uuid, &ending).await;
        assert_eq!(finished.expect("a statement"), expected);
    }
    let list = async |filter| {
        let listed = executions::list(&sql, ann, filter, ALL).await;
        let listed = listed.expect("a list");
        let ids: Vec<_> = listed.items.iter().map(|execution| execution.id).collect();
        assert_eq!(listed.total, i64::try_from(ids.len()).expect("a number"));
        ids
    };
    let every = ExecutionFilter::default();
    assert_eq!(list(every).await, [other.id, one.id]);
    let session = Some(SessionId(1));
    assert_eq!(list(ExecutionFilter { session, ..every }).await, [one.id]);
    let status = Some(ExecutionStatus::Running);
    assert_eq!(list(ExecutionFilter { status, ..every }).await, [other.id]);
    let from = Some(Timestamp(1_001));
    assert_eq!(list(ExecutionFilter { from, ..every }).await, [other.id]);
    let to = Some(Timestamp(1_000));
    assert_eq!(list(ExecutionFilter { to, ..every }).await, [one.id]);
    assert_eq!(list(ExecutionFilter { from, to, ..every }).await, []);
    let listed = executions::list(&sql, ann, ExecutionFilter { to, ..every }, ALL).await;
    let ended = listed.expect("a list").items.remove(0);
    assert_eq!(ended.usage, usage);
    assert_eq!(ended.duration_ms(), Some(3_500));
    assert_eq!(ended.reason.as_deref(), Some("the model fell silent"));
    let removed = agents::remove(&sql, ann, 9).await.expect("a statement");
    assert_eq!(removed, Removed::Disabled);
    assert_eq!(list(every).await, [other.id, one.id]);
    for (id, expected) in [(7, Removed::Disabled), (99, Removed::Gone)] {
        let removed = agents::remove(&sql, AgentId(id), 9).await;
        assert_eq!(removed.expect("a statement"), expected);
    }
}

#[tokio::test]
async fn what_is_used_besides_is_added() {
    let sql = database().await;
    let begun = begin(&sql, 1, 1, 1_000).await.expect("an execution");
    let usage = |estimated| TokenUsage {
        input: 10,
        output: 20,
        cost: 225,
        estimated,
    };
    for (estimated, times) in [(false, 1), (true, 2), (false, 3)] {
        let more = executions::use_more(&sql, begun.uuid, usage(estimated));
        more.await.expect("a statement");
        let every = ExecutionFilter::default();
        let listed = executions::list(&sql, AgentId(1), every, ALL).await;
        let found = listed.expect("a list").items.remove(0).usage;
        assert_eq!(
            (found.input, found.output, found.cost),
            (10 * times, 20 * times, 225 * times)
        );
        assert_eq!(found.estimated, times > 1);
    }
}

#[tokio::test]
async fn a_beginning_that_is_stored_again_is_the_same() {
    let sql = database().await;
    let new = NewExecution {
        uuid: fresh(),
        run_id: None,
        agent: AgentId(1),
        session: None,
        execution_type: ExecutionType::Task,
        now: 1,
    };
    let first = executions::insert(&sql, &new).await.expect("a statement");
    let later = NewExecution { now: 2, ..new };
    let again = executions::insert(&sql, &later).await.expect("a statement");
    assert!(first.is_some());
    assert_eq!(first, again);
}
