//! What nearly every component needs and what never changes: the way to the worker and to the reducer.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use yew::prelude::*;

use super::bridge::{self, Link};
use super::download::download;
use super::model::{Action, Model};
use super::stage::store::Store;
use crate::wire::{FromWorker, Open, ToWorker};

/// Shared data that is compared by its address: whoever changes it makes a new one.
#[derive(Debug, Default)]
pub struct Shared<T>(Rc<T>);

impl<T> Shared<T> {
    pub fn new(value: T) -> Shared<T> {
        Shared(Rc::new(value))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(self.0.clone())
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> Shared<T> {
    /// For changing: others keep what they have.
    pub fn make_mut(&mut self) -> &mut T {
        Rc::make_mut(&mut self.0)
    }
}

/// Given to all components as a context.
#[derive(Clone)]
pub struct Hands {
    link: Link,
    dispatch: UseReducerDispatcher<Model>,
    pub store: Store,
    /// What this page is open for.
    open: Rc<Open>,
    /// To the worker that reads the stored run.
    exporting: Rc<RefCell<Option<Link>>>,
}

impl PartialEq for Hands {
    /// There is one for the page's whole life.
    fn eq(&self, _: &Hands) -> bool {
        true
    }
}

impl Hands {
    pub fn new(link: Link, dispatch: UseReducerDispatcher<Model>, store: Store, open: Open) -> Hands {
        Hands { link, dispatch, store, open: Rc::new(open), exporting: Rc::default() }
    }

    pub fn send(&self, message: ToWorker) {
        self.link.send(message);
    }

    pub fn act(&self, action: Action) {
        self.dispatch.dispatch(action);
    }

    /// Has a worker of its own give the run that is stored, as a file; `said` gets what came of it.
    pub fn export_stored(&self, said: impl Fn(String) + 'static) {
        let link = bridge::connect(move |answer| match answer {
            FromWorker::Exported { name, bytes } => said(match download(&name, &bytes) {
                Ok(()) => format!("{name} was saved: seed, cluster and every command, up to what was stored last."),
                Err(_) => format!("The browser does not let {name} be saved."),
            }),
            FromWorker::Refused(why) => said(why),
            _ => {}
        });
        link.send(ToWorker::ExportStored((*self.open).clone()));
        // The worker ends when its link is dropped.
        self.exporting.replace(Some(link));
    }

    /// A callback that sends what it is told to.
    pub fn sends<E: 'static>(&self, message: impl Fn() -> ToWorker + 'static) -> Callback<E> {
        let hands = self.clone();
        Callback::from(move |_| hands.send(message()))
    }

    /// A callback that changes the page only.
    pub fn acts<E: 'static>(&self, action: impl Fn() -> Action + 'static) -> Callback<E> {
        let hands = self.clone();
        Callback::from(move |_| hands.act(action()))
    }
}

/// The hands, inside a component.
#[hook]
pub fn use_hands() -> Hands {
    use_context::<Hands>().expect("App provides the hands")
}
