//! A subscriber that keeps what it is told, as data and as text.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// A span or an event.
#[derive(Clone, Debug)]
pub struct Told {
    /// Of a span its name, of an event its message.
    pub name: String,
    pub is_span: bool,
    pub target: String,
    pub level: Level,
    /// The fields that it can have.
    pub declared: Vec<&'static str>,
    pub fields: BTreeMap<&'static str, String>,
    /// The span that it is in, by its place in the list.
    pub parent: Option<usize>,
}

impl Told {
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value)
    }

    fn new(metadata: &'static Metadata<'static>, parent: Option<usize>) -> Self {
        Self {
            name: metadata.name().to_owned(),
            is_span: metadata.is_span(),
            target: metadata.target().to_owned(),
            level: *metadata.level(),
            declared: metadata.fields().iter().map(|field| field.name()).collect(),
            fields: BTreeMap::new(),
            parent,
        }
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.name = format!("{value:?}");
        } else {
            self.fields.insert(field.name(), format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

/// All that is told, in its order. Clones share it.
#[derive(Clone, Default)]
pub struct Ear(Arc<Mutex<Vec<Told>>>);

impl Ear {
    /// What is told while a function runs.
    pub fn hear(run: impl FnOnce()) -> Vec<Told> {
        let ear = Self::default();
        tracing::subscriber::with_default(Registry::default().with(ear.clone()), run);
        ear.take()
    }

    pub fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Its place in the list.
struct Place(usize);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Ear {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let parent = span.parent().and_then(|parent| Some(parent.extensions().get::<Place>()?.0));
        let mut told = Told::new(attributes.metadata(), parent);
        attributes.record(&mut told);
        let mut all = self.0.lock().unwrap();
        span.extensions_mut().insert(Place(all.len()));
        all.push(told);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let place = context.span(id).unwrap().extensions().get::<Place>().unwrap().0;
        let mut more = self.0.lock().unwrap()[place].clone();
        let (before, again) = (more.fields.clone(), &mut more);
        values.record(again);
        let lost = before.iter().find(|(name, value)| again.fields.get(*name) != Some(*value));
        assert!(lost.is_none(), "recorded twice: {lost:?}");
        self.0.lock().unwrap()[place] = more;
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.event_span(event);
        let parent = span.and_then(|span| Some(span.extensions().get::<Place>()?.0));
        let mut told = Told::new(event.metadata(), parent);
        event.record(&mut told);
        self.0.lock().unwrap().push(told);
    }
}

/// Everything that is told, at every level, as a log would show it, entries and exits included.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn of(run: impl FnOnce()) -> String {
        let log = Self::default();
        let sink = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .without_time()
            .with_writer(move || sink.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, run);
        String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
