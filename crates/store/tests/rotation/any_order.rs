//! Any sequence of what can happen to an account's logins, on a real database, beside a model
//! that is too small to be wrong.

use super::{Told, told};
use crate::given::{LIFETIME, account, database, new_login};
use domain::Account;
use platform_native::sqlite::Database;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::collections::BTreeSet;
use store::{
    accounts,
    logins::{self, GRACE_MS},
    sweep::{LOGIN_KEPT_MS, sweep},
};
use uuid::Uuid;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Signs in, with the present password or with the one before.
    Open {
        stale: bool,
    },
    /// Offers the live generation of a login, or one so far before it (or after).
    Rotate {
        login: usize,
        back: i64,
    },
    /// The refresh that does not rotate.
    Touch {
        login: usize,
    },
    LogOut {
        login: usize,
    },
    LogOutOthers {
        login: usize,
    },
    /// Another password; its owner's login may stay.
    ChangePassword {
        keep: Option<usize>,
    },
    Wait {
        ms: i64,
    },
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let login = prop_oneof![3 => Just(0_usize), 1 => 1_usize..3];
    let back =
        prop_oneof![7 => Just(0_i64), 4 => Just(1), 5 => Just(2), 1 => Just(3), 1 => -1_i64..6];
    let wait = prop_oneof![
        3 => 0_i64..3,
        3 => GRACE_MS - 1..=GRACE_MS + 1,
        3 => GRACE_MS / 3..GRACE_MS,
        3 => LIFETIME / 3..=LIFETIME,
        // Until what ended may be swept.
        1 => Just(LOGIN_KEPT_MS + 1),
    ];
    let step = prop_oneof![
        1 => any::<bool>().prop_map(|stale| Step::Open { stale }),
        14 => (login.clone(), back).prop_map(|(login, back)| Step::Rotate { login, back }),
        1 => login.clone().prop_map(|login| Step::Touch { login }),
        1 => login.clone().prop_map(|login| Step::LogOut { login }),
        1 => login.clone().prop_map(|login| Step::LogOutOthers { login }),
        1 => proptest::option::of(login).prop_map(|keep| Step::ChangePassword { keep }),
        8 => wait.prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Sweep),
    ];
    proptest::collection::vec(step, 1..60)
}

/// A login as it should be.
struct Line {
    uuid: Uuid,
    /// When each generation was first used; the live one is the first that was not.
    used: Vec<i64>,
    expires_at: i64,
    revoked: bool,
    /// What clients were told so far: the generations that they hold.
    held: BTreeSet<i64>,
}

impl Line {
    fn live(&self) -> i64 {
        self.used.len().try_into().expect("a small number")
    }

    fn is_open(&self, now: i64) -> bool {
        !self.revoked && now < self.expires_at
    }

    fn rotate(&mut self, generation: i64, now: i64) -> Told {
        let live = self.live();
        if !self.is_open(now) || !(0..=live).contains(&generation) {
            return Told::Gone;
        }
        if generation == live {
            self.used.push(now);
            self.expires_at = now + LIFETIME;
            return Told::Successor(generation + 1);
        }
        let used = usize::try_from(generation).map(|at| self.used[at]);
        if live - generation <= 2 && now - used.expect("not negative") <= GRACE_MS {
            return Told::Successor(generation + 1);
        }
        self.revoked = true;
        Told::Reused
    }
}

struct World<'a> {
    sql: &'a Database,
    account: Account,
    passwords: usize,
    now: i64,
    lines: Vec<Line>,
}

impl World<'_> {
    async fn take(&mut self, step: Step) {
        let (sql, now, user) = (self.sql, self.now, self.account.id);
        match step {
            Step::Open { stale } => self.open(stale).await,
            Step::Rotate { login, back } => {
                let Some(line) = self.lines.get_mut(login) else {
                    return;
                };
                let generation = line.live() - back;
                let was = told(sql, line.uuid, generation, now).await;
                assert_eq!(was, line.rotate(generation, now), "{generation} at {now}");
                if let Told::Successor(successor) = was {
                    line.held.insert(successor);
                }
            }
            Step::Touch { login } => {
                let Some(line) = self.lines.get_mut(login) else {
                    return;
                };
                let expires_at = now + LIFETIME;
                let touched = logins::touch(sql, line.uuid, now, expires_at).await;
                assert_eq!(touched.expect("a statement").is_some(), line.is_open(now));
                if line.is_open(now) {
                    line.expires_at = expires_at;
                }
            }
            Step::LogOut { login } => {
                let Some(line) = self.lines.get_mut(login) else {
                    return;
                };
                logins::revoke(sql, line.uuid, now).await.expect("ended");
                line.revoked = true;
            }
            Step::LogOutOthers { login } => self.end_all(Some(login)).await,
            Step::ChangePassword { keep } => {
                self.passwords += 1;
                let changed = accounts::set_password(sql, user, &self.hash(0)).await;
                assert!(changed.expect("a statement"));
                self.end_all(keep).await;
            }
            Step::Wait { ms } => self.now += ms,
            Step::Sweep => drop(sweep(sql, now).await.expect("swept")),
        }
    }

    /// The hash of the password that was set so many changes ago.
    fn hash(&self, ago: usize) -> String {
        format!("hash {}", self.passwords - ago)
    }

    async fn open(&mut self, stale: bool) {
        let new = logins::NewLogin {
            expires_at: self.now + LIFETIME,
            ..new_login(self.account.id, self.now)
        };
        let seen = self.hash(usize::from(stale));
        let opened = logins::open(self.sql, &new, &seen).await;
        assert_eq!(opened.expect("a statement").is_none(), stale);
        if !stale {
            self.lines.push(Line {
                uuid: new.uuid,
                used: Vec::new(),
                expires_at: new.expires_at,
                revoked: false,
                held: BTreeSet::from([0]),
            });
        }
    }

    async fn end_all(&mut self, keep: Option<usize>) {
        let keep = keep
            .and_then(|login| self.lines.get(login))
            .map(|line| line.uuid);
        logins::revoke_of_user(self.sql, self.account.id, keep, self.now)
            .await
            .expect("ended");
        for line in &mut self.lines {
            line.revoked |= Some(line.uuid) != keep;
        }
    }

    /// What holds after every step, whatever it was.
    async fn check(&self) {
        for line in &self.lines {
            let held: Vec<i64> = line.held.range(line.live()..).copied().collect();
            assert_eq!(held, [line.live()], "one unused generation is held");
            let found = logins::current(self.sql, line.uuid, self.account.uuid, self.now).await;
            let found = found.expect("a query").map(|(_, login)| login.expires_at.0);
            let open = line.is_open(self.now);
            assert_eq!(found, open.then_some(line.expires_at));
        }
        let window = store::Window {
            skip: 0,
            limit: 100,
        };
        let listed = logins::list_of_user(self.sql, self.account.id, self.now, window).await;
        let open = self.lines.iter().filter(|line| line.is_open(self.now));
        let expected: Vec<Uuid> = open.rev().map(|line| line.uuid).collect();
        let listed = listed.expect("a list").items;
        let listed: Vec<Uuid> = listed.iter().map(|login| login.uuid).collect();
        assert_eq!(listed, expected);
    }
}

#[test]
fn no_order_leaves_two_live_generations_or_brings_a_dead_login_back() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sql = runtime.block_on(database());
    let mut runner = TestRunner::new(Config {
        cases: 512,
        failure_persistence: None,
        ..Config::default()
    });
    let done = runner.run(&steps(), |steps| {
        runtime.block_on(run(&sql, &steps));
        Ok(())
    });
    done.unwrap_or_else(|failed| panic!("{failed}"));
}

async fn run(sql: &Database, steps: &[Step]) {
    let name = format!("user_{}", crate::given::fresh().as_u128());
    let mut world = World {
        sql,
        account: account(sql, &name, "hash 1").await,
        passwords: 1,
        now: 0,
        lines: Vec::new(),
    };
    world.take(Step::Open { stale: false }).await;
    for step in steps {
        world.take(*step).await;
        world.check().await;
    }
}
