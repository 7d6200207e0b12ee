//! One duty of a store, not kept.

use heirloom::Timestamp;
use heirloom::family::Family;

use super::guards::Wrong;

/// The duty that is not kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Lie {
    None,
    // S1.
    OverwritesATakenId,
    ReportsATakenIdAsFree,
    IndexesWhatWasTaken,
    ReplacesATakenIdOfAnEarlierVersion,
    LooksBeforeItCreates,
    /// Loses something of what is written.
    Mangles(Edit<fn(&mut Family)>),
    // S2 and S3.
    RemembersWhatItLoaded,
    Guards(Edit<Wrong>),
    DeclinesWithWhatItSawFirst,
    DeclinesWithNothing,
    WritesWhatItDeclines,
    DoesNotCountAnAdvance,
    CountsAnAdvanceTwice,
    CreatesWhatItAdvances,
    SaysYesWhenAskedAgain,
    LooksBeforeItAdvances,
    LooksBeforeItWaits,
    WritesAnAdvanceInTwoSteps,
    /// In place of the head that was asked for.
    Heads(Edit<fn(&mut Family)>),
    // S4.
    TheLastReasonWins,
    DoesNotCountARevocation,
    CountsARevocationAgain,
    LooksBeforeItRevokes,
    EndsOnlyWhatHasNotExpired,
    SaysBeforeOfItsOwn,
    ClaimsWhatWasBefore,
    RevokesWhatIsUnknown,
    // S5.
    IgnoresTheVersion,
    ReplacesNewerVersions,
    ReplacesOlderVersions,
    ReplacesTheDead,
    ReplacesTheGrantAlone,
    ReplacesTheHeadAlone,
    LooksBeforeItReplaces,
    InsertsWhatItReplaces,
    // S6.
    MissesTheLast,
    SelectsInReverse,
    ComparesIdsAsSigned,
    FiltersAfterTheLimit,
    IgnoresTheLimit,
    BeginsAtAndNotAfter,
    SelectsBySubjectAlone,
    SelectsInAnyCase,
    SelectsByBeginnings,
    JoinsSubjectAndClient,
    HidesTheEnded,
    ShowsWhatWasCreated,
    // S7.
    PurgesAtTheEnd,
    PurgesByTheEndAlone,
    PurgesByTheAbsoluteEndAlone,
    PurgesTheEndless,
    PurgesTheLiveAlone,
    /// By an end of its own.
    PurgesBy(Edit<fn(&Family) -> Option<Timestamp>>),
    PurgesOverTheLimit,
    PurgesOneLessThanItMay,
    MiscountsAPurge,
    LooksBeforeItPurges,
    PurgesWhatItCannotRead,
    StopsAtWhatItCannotRead,
    // S8.
    ForgetsWhenClosed,
    FlushesLater,
    // S9.
    RepairsWhatItLoads,
    HidesTheDamaged,
    FailsForTheDamaged,
    FailsWithAnotherId,
    TakesTheDamagedForUnknown,
    RepairsWhatItRevokes,
    RepairsWhatItAdvances,
    OverwritesTheDamaged,
    // S10.
    ScanSkipsOneBetweenPages,
    ScanBeginsAtAndNotAfter,
    ScanBeginsAgainAtTheEnd,
    ScanStaysAtTheEnd,
    ScanEndsWithItsFirstPage,
    ScanIgnoresTheLimit,
    ScanHidesTheEnded,
    ScanHidesTheLapsed,
    ScanHidesTheDamaged,
    ScanFailsForTheDamaged,
    ScanRepairsTheDamaged,
    ScanShowsWhatWasCreated,
    ScanLagsByOneCreation,
    ScanCountsWhatItHasShown,
    ScanGoesByTheEnd,
    ScanGoesByHalfOfTheId,
    ScanKeepsItsPlaceInTheHandle,
    ScanTakesAnyCursor,
    // Of what a factory says.
    PanicsOnOtherThreads,
}

/// What a liar that looks before it writes does in between.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Gap {
    /// Waits as for a server. One task is enough to come between.
    Await,
    /// Waits, without an await point, until a call on another thread has come between.
    Meet,
    /// Computes for so many turns: nothing but another thread comes between.
    Spin(u32),
}

/// A function of a lie. Which one it is, nobody asks.
#[derive(Clone, Copy)]
pub struct Edit<F>(pub F);

impl<F> PartialEq for Edit<F> {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl<F> std::fmt::Debug for Edit<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}
