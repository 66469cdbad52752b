//! Who may do what, as functions of values.

use domain::{Account, AccountRole, Email, UserId};

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

/// Whether `account` may see and change what belongs to `owner`.
#[must_use]
pub fn may_use_things_of(account: &Account, owner: UserId) -> bool {
    account.id == owner || is_administrator(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
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
        let check = |role, email, owner, own: bool| {
            let account = account(role);
            let email = Email::parse(email).unwrap();
            assert_eq!(may_read_account_by_email(&account, &email), own);
            assert_eq!(may_use_things_of(&account, UserId(owner)), own);
            assert_eq!(is_administrator(&account), role == AccountRole::Admin);
        };
        check(AccountRole::User, "ada@example.org", 1, true);
        check(AccountRole::User, "Ada@Example.org", 1, true);
        check(AccountRole::User, "bob@example.org", 2, false);
        check(AccountRole::Admin, "ada@example.org", 1, true);
        check(AccountRole::Admin, "bob@example.org", 2, true);
    }
}
