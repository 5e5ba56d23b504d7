//! Everything that is shown of a document, as of one moment; and what of it has changed since another.

use super::{AttributedProvision, Comment, Document, Proposal, Round};
use crate::id::DelegationCode;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

/// `GET /api/v1/documents/{id}/overview`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Overview {
    /// The name of what this says: ask with `?since=` it for what has changed after it.
    pub edition: String,
    /// The edition after which this says what has changed. Absent: it says everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The document.
    pub document: Document,
    /// The heads of the history that the provisions speak of.
    pub heads: Vec<String>,
    /// Which delegation each actor (hex) belongs to; since an edition, only those that are new.
    pub roster: BTreeMap<String, DelegationCode>,
    /// Provisions in document order, by their ids.
    pub provisions: Items<AttributedProvision>,
    /// Proposals in document order, by their numbers, or ids where they have none.
    pub proposals: Items<Proposal>,
    /// All rounds.
    pub rounds: Vec<Round>,
    /// Comments, by their numbers.
    pub comments: Items<Comment>,
}

/// A list, or what has changed in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct Items<T> {
    /// Whether `items` is the whole list. Otherwise it is those that are new or have changed.
    pub whole: bool,
    /// In the order of the list.
    pub items: Vec<T>,
    /// The names of all items of the list, where it has not the same ones, in the same order, as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
}

/// What has a name within its list.
pub trait Named {
    /// Its name.
    fn name(&self) -> String;
}

impl Named for AttributedProvision {
    fn name(&self) -> String {
        self.provision.id.to_string()
    }
}

impl Named for Proposal {
    /// Ids come again where a delegation proposes anew what was settled; numbers do not.
    fn name(&self) -> String {
        self.number.clone().unwrap_or_else(|| self.id.to_string())
    }
}

impl Named for Comment {
    fn name(&self) -> String {
        self.number.to_string()
    }
}

impl<T: Named> Items<T> {
    /// A whole list.
    pub fn whole(items: Vec<T>) -> Self {
        Self { whole: true, items, order: None }
    }

    /// The whole list that this makes of the whole one before.
    pub fn after(self, before: Self) -> Self {
        if self.whole {
            return self;
        }
        let mut changed: HashMap<String, T> = self.items.into_iter().map(|one| (one.name(), one)).collect();
        let Some(order) = self.order else {
            let each = before.items.into_iter();
            return Self::whole(each.map(|one| changed.remove(&one.name()).unwrap_or(one)).collect());
        };
        let mut known: HashMap<String, T> = before.items.into_iter().map(|one| (one.name(), one)).collect();
        known.extend(changed);
        Self::whole(order.iter().filter_map(|name| known.remove(name)).collect())
    }
}

impl Overview {
    /// Everything, of what was known `before` and what this says has changed after it; this alone, where it says
    /// everything. `None`: it speaks of what came after another edition, so everything has to be asked for.
    pub fn after(self, before: Option<Self>) -> Option<Self> {
        let Some(since) = &self.since else { return Some(self) };
        let before = before.filter(|before| before.edition == *since)?;
        Some(Self {
            since: None,
            roster: before.roster.into_iter().chain(self.roster).collect(),
            provisions: self.provisions.after(before.provisions),
            proposals: self.proposals.after(before.proposals),
            comments: self.comments.after(before.comments),
            ..self
        })
    }
}
