//! Who may come in: delegations, accounts with roles, and tickets.
//!
//! Pure: a decision gives its answer and the records to store; whoever asked stores them, and only then has
//! them [applied](Directory::apply). Time and randomness are handed in.

pub mod permission;
pub mod token;

use crate::storage::record::{AccountRecord, DelegationRecord, TicketRecord};
use crate::storage::{Tree, Write};
use codraft_protocol::api;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use token::{Kind, Seed, Token};

/// How long a ticket lasts where nothing is said: one day's meeting, in seconds.
pub const TICKET_TTL: u32 = 12 * 3600;
/// How long a ticket may last, in seconds.
pub const TICKET_TTL_MAX: u32 = 30 * 24 * 3600;
/// How long a token may last, in days: ten years.
pub const EXPIRY_DAYS_MAX: u32 = 3_660;
/// Tickets that one account may hold at a time.
pub const TICKETS_MAX: usize = 200;

/// Who is behind a request or a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account's id.
    pub account: String,
    /// What it may do (a read-only ticket turns any role into an observer).
    pub role: Role,
    /// In whose name; the secretariat's own code for the secretariat.
    pub delegation: Option<DelegationCode>,
    /// The only document it may open, for a scoped ticket.
    pub document: Option<DocumentId>,
    /// The ticket it came with.
    pub ticket: Option<String>,
    /// When it has to leave: its ticket's or its token's end.
    pub expires: Option<Timestamp>,
}

/// Why somebody may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// No credentials at all.
    #[error("this needs a token: send it as 'Authorization: Bearer TOKEN', or a ticket as '?ticket=…'")]
    Missing,
    /// Not something this server gives out, or the wrong secret.
    #[error(
        "this token is not one of this server's; check that it was copied whole, or ask the secretariat for a new invitation"
    )]
    Unknown,
    /// The account's time is over.
    #[error("this token expired at {0}; ask the secretariat for a new invitation")]
    TokenExpired(Timestamp),
    /// The account's token was revoked.
    #[error("this token has been revoked; ask the secretariat for a new invitation")]
    Revoked,
    /// The ticket was revoked, or its account was.
    #[error("this ticket has been revoked; ask for a new one")]
    TicketRevoked,
    /// The ticket's time is over.
    #[error("this ticket expired at {0}; ask for a new one")]
    Expired(Timestamp),
}

/// Why the directory cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The code is taken.
    #[error("the delegation {0} is there already; 'codraft delegation invite {0}' gives it another delegate")]
    DelegationExists(DelegationCode),
    /// The code is the secretariat's.
    #[error("{0} is reserved for the secretariat; choose another code")]
    Reserved(DelegationCode),
    /// A delegation without a name.
    #[error("a delegation needs a name, such as 'Canada', of at most 200 characters")]
    BadName,
    /// There is no such delegation.
    #[error("there is no delegation {0}; add it first: codraft delegation add {0} --name NAME")]
    UnknownDelegation(DelegationCode),
    /// A delegate of nobody.
    #[error("a delegate needs a delegation; name it")]
    DelegateWithoutDelegation,
    /// A role that belongs to no delegation.
    #[error("a {0} belongs to no delegation; leave the delegation out")]
    DelegationNotWanted(Role),
    /// There is no such account.
    #[error("there is no account {0}; 'codraft delegation list' shows them")]
    UnknownAccount(String),
    /// There is no such ticket.
    #[error("there is no ticket {0}")]
    UnknownTicket(String),
    /// Nobody could come in any more.
    #[error(
        "this is the last account of the secretariat that does not end; invite another one before you end it"
    )]
    LastSecretariat,
    /// A lifetime out of bounds.
    #[error("a ticket lasts between 1 second and 30 days ({TICKET_TTL_MAX} seconds)")]
    BadTtl,
    /// A token's end out of bounds.
    #[error("a token lasts between 1 and {EXPIRY_DAYS_MAX} days from now, or, without days, for good")]
    BadExpiry,
    /// Too many of them.
    #[error("this account holds {TICKETS_MAX} tickets; revoke some or wait until they expire")]
    TooManyTickets,
    /// The random id is taken.
    #[error("this id is taken; try again")]
    IdTaken,
}

/// A record to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new delegation.
    Delegation(DelegationRecord),
    /// A new or changed account.
    Account(AccountRecord),
    /// A new or changed ticket.
    Ticket(TicketRecord),
    /// A ticket that nobody can use any more.
    ForgetTicket(String),
}

impl Change {
    /// What the store has to write.
    pub fn write(&self) -> Write {
        let put = |tree, key: &str, value| Write { tree, key: key.as_bytes().to_vec(), value };
        match self {
            Self::Delegation(one) => put(Tree::Delegations, one.code.as_str(), Some(one.encode())),
            Self::Account(one) => put(Tree::Accounts, &one.id, Some(one.encode())),
            Self::Ticket(one) => put(Tree::Tickets, &one.id, Some(one.encode())),
            Self::ForgetTicket(id) => put(Tree::Tickets, id, None),
        }
    }
}

/// An answer that holds once its changes are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<T> {
    /// The answer.
    pub answer: T,
    /// To be stored, then applied.
    pub changes: Vec<Change>,
}

/// Delegations, accounts and tickets.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    delegations: BTreeMap<DelegationCode, DelegationRecord>,
    accounts: BTreeMap<String, AccountRecord>,
    tickets: HashMap<String, TicketRecord>,
}

impl Directory {
    /// Takes in what has been stored.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Delegation(one) => drop(self.delegations.insert(one.code.clone(), one)),
            Change::Account(one) => drop(self.accounts.insert(one.id.clone(), one)),
            Change::Ticket(one) => drop(self.tickets.insert(one.id.clone(), one)),
            Change::ForgetTicket(id) => drop(self.tickets.remove(&id)),
        }
    }

    /// Who comes with this token or ticket.
    ///
    /// # Errors
    /// [`Stranger`]
    pub fn authenticate(&self, credentials: &str, now: Timestamp) -> Result<Caller, Stranger> {
        let token = Token::parse(credentials).ok_or(Stranger::Unknown)?;
        match token.kind {
            Kind::Account => {
                let account = self.accounts.get(token.id).ok_or(Stranger::Unknown)?;
                if !token.proves(&account.token_hash) {
                    return Err(Stranger::Unknown);
                }
                if account.revoked.is_some() {
                    return Err(Stranger::Revoked);
                }
                if let Some(expired) = account.expires.filter(|expires| *expires <= now) {
                    return Err(Stranger::TokenExpired(expired));
                }
                Ok(caller(account))
            }
            Kind::Ticket => {
                let ticket = self.tickets.get(token.id).ok_or(Stranger::Unknown)?;
                if !token.proves(&ticket.secret_hash) {
                    return Err(Stranger::Unknown);
                }
                let account = self.accounts.get(&ticket.account).ok_or(Stranger::Unknown)?;
                if ticket.revoked.is_some() || account.revoked.is_some() {
                    return Err(Stranger::TicketRevoked);
                }
                // A ticket ends with its account.
                let expires = account.expires.map_or(ticket.expires, |end| end.min(ticket.expires));
                if expires <= now {
                    return Err(Stranger::Expired(expires));
                }
                let mut caller = caller(account);
                if ticket.read_only {
                    caller.role = Role::Observer;
                }
                caller.document = ticket.document;
                caller.ticket = Some(ticket.id.clone());
                caller.expires = Some(expires);
                Ok(caller)
            }
        }
    }

    /// Whether the caller may still be here.
    pub fn still_welcome(&self, caller: &Caller, now: Timestamp) -> bool {
        let lasts = |account: &AccountRecord| account.expires.is_none_or(|expires| expires > now);
        let account = self
            .accounts
            .get(&caller.account)
            .is_some_and(|account| account.revoked.is_none() && lasts(account));
        let ticket = caller.ticket.as_ref().is_none_or(|id| {
            self.tickets.get(id).is_some_and(|ticket| ticket.revoked.is_none() && ticket.expires > now)
        });
        account && ticket
    }

    /// The first account of all: the secretariat's. Answers its token.
    pub fn bootstrap(now: Timestamp, seed: &Seed) -> Decision<String> {
        let (account, token) = new_account(Role::Secretariat, None, now, seed);
        Decision { answer: token, changes: vec![Change::Account(account)] }
    }

    /// Adds a delegation with its first delegate.
    ///
    /// # Errors
    /// [`DirectoryError`]
    pub fn add_delegation(
        &self,
        new: &api::NewDelegation,
        now: Timestamp,
        seed: &Seed,
    ) -> Result<Decision<api::Invitation>, DirectoryError> {
        let code = &new.code;
        if code.is_secretariat() {
            return Err(DirectoryError::Reserved(code.clone()));
        }
        if self.delegations.contains_key(code) {
            return Err(DirectoryError::DelegationExists(code.clone()));
        }
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
            return Err(DirectoryError::BadName);
        }
        // Each later than the one before, also where two are added at once or the clock has gone back: nobody is
        // ever put in front of those who were there.
        let last = self.delegations.values().map(|one| one.created.0).max();
        let created = last.map_or(now, |last| Timestamp(now.0.max(last.saturating_add(1))));
        let record = DelegationRecord { code: code.clone(), name: name.to_owned(), created };
        let mut decision = self.account(Role::Delegate, Some(code.clone()), now, seed)?;
        decision.changes.insert(0, Change::Delegation(record));
        Ok(decision)
    }

    /// Invites one more person.
    ///
    /// # Errors
    /// [`DirectoryError`]
    pub fn invite(
        &self,
        new: &api::NewInvitation,
        now: Timestamp,
        seed: &Seed,
    ) -> Result<Decision<api::Invitation>, DirectoryError> {
        match (&new.delegation, new.role) {
            (None, Role::Delegate) => return Err(DirectoryError::DelegateWithoutDelegation),
            (Some(_), Role::Secretariat | Role::Chair) => {
                return Err(DirectoryError::DelegationNotWanted(new.role));
            }
            (Some(code), _) if !self.delegations.contains_key(code) => {
                return Err(DirectoryError::UnknownDelegation(code.clone()));
            }
            _ => {}
        }
        self.account(new.role, new.delegation.clone(), now, seed)
    }

    fn account(
        &self,
        role: Role,
        delegation: Option<DelegationCode>,
        now: Timestamp,
        seed: &Seed,
    ) -> Result<Decision<api::Invitation>, DirectoryError> {
        let (account, token) = new_account(role, delegation, now, seed);
        if self.accounts.contains_key(&account.id) {
            return Err(DirectoryError::IdTaken);
        }
        let answer = api::Invitation { account: listed(&account), token };
        Ok(Decision { answer, changes: vec![Change::Account(account)] })
    }

    /// Takes an account's token away. Its tickets go with it.
    ///
    /// # Errors
    /// [`DirectoryError`]
    pub fn revoke_account(&self, id: &str, now: Timestamp) -> Result<Decision<api::Account>, DirectoryError> {
        let account = self.accounts.get(id).ok_or_else(|| DirectoryError::UnknownAccount(id.to_owned()))?;
        let lasts = |one: &AccountRecord| one.expires.is_none_or(|expires| expires > now);
        let is_pen =
            |one: &AccountRecord| one.role == Role::Secretariat && one.revoked.is_none() && lasts(one);
        if is_pen(account) && self.accounts.values().filter(|one| is_pen(one)).count() == 1 {
            return Err(DirectoryError::LastSecretariat);
        }
        let revoked = AccountRecord { revoked: account.revoked.or(Some(now)), ..account.clone() };
        Ok(Decision { answer: listed(&revoked), changes: vec![Change::Account(revoked)] })
    }

    /// Sets when an account's token expires: so many days from now, or never.
    ///
    /// # Errors
    /// [`DirectoryError`]
    pub fn expire_account(
        &self,
        id: &str,
        new: &api::NewExpiry,
        now: Timestamp,
    ) -> Result<Decision<api::Account>, DirectoryError> {
        let account = self.accounts.get(id).ok_or_else(|| DirectoryError::UnknownAccount(id.to_owned()))?;
        let lasting = |one: &AccountRecord| {
            one.role == Role::Secretariat && one.revoked.is_none() && one.expires.is_none()
        };
        let others = self.accounts.values().filter(|one| one.id != id && lasting(one)).count();
        if new.days.is_some() && lasting(account) && others == 0 {
            return Err(DirectoryError::LastSecretariat);
        }
        if new.days.is_some_and(|days| !(1..=EXPIRY_DAYS_MAX).contains(&days)) {
            return Err(DirectoryError::BadExpiry);
        }
        let expires = new.days.map(|days| Timestamp(now.0 + i64::from(days) * 24 * 3_600_000));
        let ending = AccountRecord { expires, ..account.clone() };
        Ok(Decision { answer: listed(&ending), changes: vec![Change::Account(ending)] })
    }

    /// Gives the caller a ticket, and forgets those of its tickets that have expired.
    ///
    /// # Errors
    /// [`DirectoryError`]
    pub fn create_ticket(
        &self,
        caller: &Caller,
        document: Option<DocumentId>,
        new: &api::NewTicket,
        now: Timestamp,
        seed: &Seed,
    ) -> Result<Decision<api::Ticket>, DirectoryError> {
        let ttl = new.ttl_seconds.unwrap_or(TICKET_TTL);
        if ttl == 0 || ttl > TICKET_TTL_MAX {
            return Err(DirectoryError::BadTtl);
        }
        let own = || self.tickets.values().filter(|ticket| ticket.account == caller.account);
        if own().filter(|ticket| ticket.expires > now && ticket.revoked.is_none()).count() >= TICKETS_MAX {
            return Err(DirectoryError::TooManyTickets);
        }
        let (id, secret) = (seed.id("t"), seed.token(Kind::Ticket, "t"));
        if self.tickets.contains_key(&id) {
            return Err(DirectoryError::IdTaken);
        }
        let expires = Timestamp(now.0 + i64::from(ttl) * 1000);
        let record = TicketRecord {
            id: id.clone(),
            account: caller.account.clone(),
            secret_hash: token::hash(&secret),
            document,
            read_only: new.read_only,
            created: now,
            expires,
            revoked: None,
        };
        // A day's grace, so that who comes too late is told so.
        let stale = own().filter(|ticket| ticket.expires.0 + 24 * 3600 * 1000 < now.0);
        let mut changes: Vec<_> = stale.map(|ticket| Change::ForgetTicket(ticket.id.clone())).collect();
        changes.push(Change::Ticket(record));
        Ok(Decision { answer: api::Ticket { id, ticket: secret, expires }, changes })
    }

    /// Takes a ticket back: its holder's own, or, for the secretariat, anybody's.
    ///
    /// # Errors
    /// [`DirectoryError::UnknownTicket`], also for a ticket of somebody else.
    pub fn revoke_ticket(
        &self,
        caller: &Caller,
        id: &str,
        now: Timestamp,
    ) -> Result<Decision<()>, DirectoryError> {
        let ticket = self.tickets.get(id).filter(|ticket| {
            ticket.account == caller.account || permission::allows(caller, permission::Action::Revoke)
        });
        let ticket = ticket.ok_or_else(|| DirectoryError::UnknownTicket(id.to_owned()))?;
        let revoked = TicketRecord { revoked: ticket.revoked.or(Some(now)), ..ticket.clone() };
        Ok(Decision { answer: (), changes: vec![Change::Ticket(revoked)] })
    }

    /// The delegations, and the accounts that the caller may see: all for the secretariat, else its own.
    pub fn delegations(&self, caller: &Caller) -> api::Delegations {
        let all = permission::allows(caller, permission::Action::Invite);
        let delegations = self.delegations.values();
        let accounts = self.accounts.values().filter(|account| all || account.id == caller.account);
        api::Delegations {
            delegations: delegations
                .map(|one| api::Delegation {
                    code: one.code.clone(),
                    name: one.name.clone(),
                    created: one.created,
                })
                .collect(),
            accounts: accounts.map(listed).collect(),
        }
    }

    /// Who the caller is.
    pub fn me(&self, caller: &Caller) -> Option<api::Me> {
        let account = self.accounts.get(&caller.account)?;
        let name = account.delegation.as_ref().and_then(|code| self.delegations.get(code));
        Some(api::Me {
            account: api::Account { role: caller.role, ..listed(account) },
            name: name.map(|one| one.name.clone()),
        })
    }
}

fn new_account(
    role: Role,
    delegation: Option<DelegationCode>,
    now: Timestamp,
    seed: &Seed,
) -> (AccountRecord, String) {
    let prefix = match (role, &delegation) {
        (Role::Delegate, Some(code)) => code.as_str().to_lowercase(),
        _ => role.to_string(),
    };
    let token = seed.token(Kind::Account, &prefix);
    let (id, token_hash) = (seed.id(&prefix), token::hash(&token));
    (AccountRecord { id, role, delegation, token_hash, created: now, revoked: None, expires: None }, token)
}

fn listed(account: &AccountRecord) -> api::Account {
    api::Account {
        id: account.id.clone(),
        role: account.role,
        delegation: account.delegation.clone(),
        created: account.created,
        revoked: account.revoked.is_some(),
        expires: account.expires,
    }
}

fn caller(account: &AccountRecord) -> Caller {
    let pen = (account.role == Role::Secretariat).then(DelegationCode::secretariat);
    Caller {
        account: account.id.clone(),
        role: account.role,
        delegation: account.delegation.clone().or(pen),
        document: None,
        ticket: None,
        expires: account.expires,
    }
}

#[cfg(test)]
mod tests;
