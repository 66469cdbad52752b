//! What the letters say, in plain English and Chinese.

use domain::{Code, Email};
use web::Language;

/// A letter to one reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// The code of a sign-up. It names the account, so that a reader who wants another name sees
/// that somebody else signed up with the address.
pub(crate) fn sign_up(
    language: Language,
    username: &str,
    code: &Code,
    link: Option<&str>,
) -> Letter {
    let code = code.as_str();
    match language {
        Language::En => Letter {
            subject: format!("{code} is your Atelier code"),
            text: format!(
                "Hello {username},\n\n\
                 your code to confirm this address is\n\n    {code}\n\n\
                 It is good for 10 minutes and makes the account {username}.\n{}\
                 If you did not sign up, ignore this letter.\n",
                line("Or open this page:", link)
            ),
        },
        Language::Zh => Letter {
            subject: format!("{code} 是您的 Atelier 验证码"),
            text: format!(
                "{username}，您好：\n\n\
                 您的邮箱验证码是\n\n    {code}\n\n\
                 验证码 10 分钟内有效，用于创建账户 {username}。\n{}\
                 如果不是您本人注册，请忽略本邮件。\n",
                line("您也可以打开此页面：", link)
            ),
        },
    }
}

/// Somebody signed up with an address that has an account.
pub(crate) fn account_exists(language: Language) -> Letter {
    match language {
        Language::En => Letter {
            subject: "You already have an Atelier account".to_owned(),
            text: "Hello,\n\n\
                   somebody signed up with this address, which has an account already.\n\
                   If it was you, sign in, or reset your password if you forgot it.\n\
                   If it was not you, ignore this letter: nothing has changed.\n"
                .to_owned(),
        },
        Language::Zh => Letter {
            subject: "您已有 Atelier 账户".to_owned(),
            text: "您好：\n\n\
                   有人使用此邮箱注册，但该邮箱已有账户。\n\
                   如果是您本人，请直接登录；忘记密码可以重置。\n\
                   如果不是您本人，请忽略本邮件，您的账户没有任何变化。\n"
                .to_owned(),
        },
    }
}

/// The code of a password reset.
pub(crate) fn password_reset(language: Language, code: &Code) -> Letter {
    let code = code.as_str();
    match language {
        Language::En => Letter {
            subject: format!("{code} is your Atelier code for a new password"),
            text: format!(
                "Hello,\n\nyour code to set a new password is\n\n    {code}\n\n\
                 It is good for 10 minutes. A new password ends all logins.\n\
                 If you did not ask for it, ignore this letter: your password is as it was.\n"
            ),
        },
        Language::Zh => Letter {
            subject: format!("{code} 是您重置 Atelier 密码的验证码"),
            text: format!(
                "您好：\n\n您重置密码的验证码是\n\n    {code}\n\n\
                 验证码 10 分钟内有效。设置新密码后，所有登录都会失效。\n\
                 如果不是您本人操作，请忽略本邮件，您的密码没有变化。\n"
            ),
        },
    }
}

/// The code that confirms another address of an account.
pub(crate) fn email_change(language: Language, username: &str, code: &Code) -> Letter {
    let code = code.as_str();
    match language {
        Language::En => Letter {
            subject: format!("{code} is your Atelier code for a new address"),
            text: format!(
                "Hello,\n\nthe account {username} is to have this address. The code is\n\n    \
                 {code}\n\nIt is good for 10 minutes.\n\
                 If this is not your account, ignore this letter.\n"
            ),
        },
        Language::Zh => Letter {
            subject: format!("{code} 是您更换 Atelier 邮箱的验证码"),
            text: format!(
                "您好：\n\n账户 {username} 将使用此邮箱，验证码是\n\n    {code}\n\n\
                 验证码 10 分钟内有效。\n如果这不是您的账户，请忽略本邮件。\n"
            ),
        },
    }
}

/// To the address that an account had: it gets another one. In both languages, because who
/// reads it may be another than who asks.
pub(crate) fn address_changed(username: &str, new: &Email) -> Letter {
    let new = new.as_str();
    Letter {
        subject: "Your Atelier account gets another address / 您的 Atelier 账户邮箱正在更换"
            .to_owned(),
        text: format!(
            "Hello {username},\n\n\
             your account gets the address {new}; letters will go there from now on.\n\
             If this was not you, somebody is signed in as you: write to those who run this \
             platform.\n\n\
             {username}，您好：\n\n\
             您的账户邮箱将更换为 {new}，此后的邮件都会发送到新邮箱。\n\
             如果不是您本人操作，说明有人登录了您的账户，请联系平台管理员。\n"
        ),
    }
}

fn line(words: &str, link: Option<&str>) -> String {
    link.map_or(String::new(), |link| format!("{words}\n    {link}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_says_its_code_in_both_languages() {
        let code = Code::of([0; 8]);
        for language in [Language::En, Language::Zh] {
            let letters = [
                sign_up(language, "ada", &code, Some("https://atelier.example/x")),
                password_reset(language, &code),
                email_change(language, "ada", &code),
            ];
            for letter in letters {
                assert!(letter.subject.contains("000000"), "{letter:?}");
                assert!(letter.text.contains("    000000\n"), "{letter:?}");
                assert_eq!(letter.subject.lines().count(), 1);
            }
        }
    }

    #[test]
    fn a_link_stands_only_where_there_is_one() {
        let code = Code::of([0; 8]);
        let with = sign_up(Language::En, "ada", &code, Some("https://a.example/?x"));
        assert!(with.text.contains("    https://a.example/?x\n"));
        let without = sign_up(Language::En, "ada", &code, None);
        assert!(!without.text.contains("http"));
    }
}
