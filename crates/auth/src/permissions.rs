//! Who may do what, as functions of values.

use domain::{Account, AccountRole, Email};

/// Whether `account` may do what is kept for administrators. The one place that asks for the
/// role; the other rules ask this one.
#[must_use]
pub fn is_administrator(account: &Account) -> bool {
    account.role == AccountRole::Admin
}

/// Whether `account` may look up the account of `email`: its own, or as an administrator any.
#[must_use]
pub fn may_read_account_by_email(account: &Account, email: &Email) -> bool {
    account.email == email.as_str() || is_administrator(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Timestamp, UserId};
    use uuid::Uuid;

    fn account(role: AccountRole) -> Account {
        Account {
            id: UserId(1),
            uuid: Uuid::nil(),
            username: "ada".to_owned(),
            email: "ada@example.org".to_owned(),
            role,
            display_name: None,
            bio: None,
            avatar_url: None,
            created_at: Timestamp(0),
            email_confirmed_at: None,
        }
    }

    #[test]
    fn ones_own_or_as_an_administrator_everybodys() {
        let check = |role, email, own: bool| {
            let account = account(role);
            let email = Email::parse(email).unwrap();
            assert_eq!(may_read_account_by_email(&account, &email), own);
            assert_eq!(is_administrator(&account), role == AccountRole::Admin);
        };
        check(AccountRole::User, "ada@example.org", true);
        check(AccountRole::User, "Ada@Example.org", true);
        check(AccountRole::User, "bob@example.org", false);
        check(AccountRole::Admin, "ada@example.org", true);
        check(AccountRole::Admin, "bob@example.org", true);
    }
}
