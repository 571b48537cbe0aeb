"""The terms that come with the software. `load region` adds them; staff extend them by HTTP.

Artforms map to the labels of Arts Council England's open data; stages are those that the
region's pages use, with `developing` between them. See NOTICE for the sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.vocabularies.models import Vocabulary


@dataclass(frozen=True)
class TermSeed:
    """A term as it ships."""

    code: str
    label: str
    description: str = ""
    mappings: Mapping[str, str] = field(default_factory=dict)


def _artform(code: str, label: str, ace: str, description: str = "") -> TermSeed:
    return TermSeed(code, label, description, {"arts_council_england": ace})


TERMS: Mapping[Vocabulary, tuple[TermSeed, ...]] = {
    Vocabulary.ARTFORM: (
        _artform("combined_arts", "Combined arts", "Combined arts"),
        _artform("dance", "Dance", "Dance"),
        _artform("libraries", "Libraries and reading", "Libraries"),
        _artform("literature", "Literature and writing", "Literature"),
        _artform("museums", "Museums", "Museums"),
        _artform("music", "Music", "Music"),
        _artform("theatre", "Theatre and drama", "Theatre"),
        _artform("visual_arts", "Visual arts", "Visual arts"),
        _artform("film", "Film and moving image", "Visual arts"),
        _artform("digital", "Digital and games", "Combined arts"),
        _artform("craft", "Craft and design", "Visual arts"),
        _artform("heritage", "Heritage", "Museums"),
        _artform("circus", "Circus", "Theatre"),
        _artform("spoken_word", "Spoken word and poetry", "Literature"),
        _artform("fashion", "Fashion and textiles", "Visual arts"),
        _artform("architecture", "Architecture and place", "Visual arts"),
        _artform("nature", "Nature and outdoor culture", "Not discipline specific"),
        _artform("not_specific", "No one artform", "Not discipline specific"),
    ),
    Vocabulary.THEME: (
        TermSeed("arts_award", "Arts Award"),
        TermSeed("artsmark", "Artsmark"),
        TermSeed("careers", "Careers and work experience"),
        TermSeed("climate", "Climate and environment"),
        TermSeed("community", "Community and place"),
        TermSeed("diversity", "Diversity and identity"),
        TermSeed("early_years", "Early years"),
        TermSeed("family", "Family time"),
        TermSeed("haf", "Holiday activities and food"),
        TermSeed("history", "History"),
        TermSeed("language", "Language and literacy"),
        TermSeed("looked_after", "Looked-after children"),
        TermSeed("mental_health", "Mental health and wellbeing"),
        TermSeed("science", "Science and technology"),
        TermSeed("send", "SEND and disability"),
        TermSeed("transition", "Moving school"),
        TermSeed("youth_voice", "Youth voice and leadership"),
    ),
    Vocabulary.AUDIENCE: (
        TermSeed("children", "Children"),
        TermSeed("young_people", "Young people"),
        TermSeed("families", "Families"),
        TermSeed("early_years_settings", "Early years settings"),
        TermSeed("schools", "Schools and colleges"),
        TermSeed("teachers", "Teachers and educators"),
        TermSeed("home_educated", "Home-educated children"),
        TermSeed("looked_after", "Looked-after children and care leavers"),
        TermSeed("send", "Children with special needs or disabilities"),
        TermSeed("young_carers", "Young carers"),
        TermSeed("refugees", "Refugees and new arrivals"),
        TermSeed("artists", "Artists and practitioners"),
    ),
    Vocabulary.ACCESS: (
        TermSeed("wheelchair", "Wheelchair accessible"),
        TermSeed("hearing_loop", "Hearing loop"),
        TermSeed("quiet_space", "Quiet space"),
        TermSeed("dementia_friendly", "Dementia friendly"),
        TermSeed("autism_friendly", "Autism friendly"),
        TermSeed("bsl", "British Sign Language"),
        TermSeed("accessible_toilet", "Accessible toilet"),
        TermSeed("changing_place", "Changing Places toilet or hoist"),
        TermSeed("accessible_parking", "Accessible parking"),
        TermSeed("relaxed", "Relaxed session"),
        TermSeed("drop_in", "Drop in, no booking"),
        TermSeed("audio_described", "Audio described"),
        TermSeed("captioned", "Captioned"),
        TermSeed("makaton", "Makaton"),
        TermSeed("step_free", "Step-free access"),
        TermSeed("assistance_dogs", "Assistance dogs welcome"),
        TermSeed("sensory", "Sensory adaptations"),
        TermSeed("one_to_one", "One-to-one support on request"),
        TermSeed("easy_read", "Easy read information"),
    ),
    Vocabulary.CONCESSION: (
        TermSeed("free_school_meals", "Free for children on free school meals"),
        TermSeed("pupil_premium", "Pupil Premium"),
        TermSeed("pay_what_you_can", "Pay what you can"),
        TermSeed("bursary", "Bursary places"),
        TermSeed("carer_free", "A carer comes free"),
        TermSeed("sibling", "Less for brothers and sisters"),
        TermSeed("low_income", "Low income"),
        TermSeed("residents", "Local residents"),
        TermSeed("members", "Members"),
        TermSeed("early_booking", "Early booking"),
    ),
    Vocabulary.SECTOR: (
        TermSeed("arts", "Arts and cultural organisation"),
        TermSeed("museum", "Museum or heritage"),
        TermSeed("library", "Library"),
        TermSeed("local_authority", "Local authority"),
        TermSeed("school", "School"),
        TermSeed("special_school", "Special school, PRU or alternative provision"),
        TermSeed("virtual_school", "Virtual school"),
        TermSeed("home_education", "Home education"),
        TermSeed("further_education", "Further education"),
        TermSeed("higher_education", "Higher education"),
        TermSeed("music_hub", "Music hub"),
        TermSeed("early_years", "Early years"),
        TermSeed("youth", "Youth"),
        TermSeed("health", "Health"),
        TermSeed("social_care", "Social care"),
        TermSeed("criminal_justice", "Criminal justice"),
        TermSeed("housing", "Housing"),
        TermSeed("voluntary", "Voluntary and community"),
        TermSeed("commercial", "Creative business"),
        TermSeed("tourism", "Tourism"),
        TermSeed("sport", "Sports partnership"),
        TermSeed("artist", "Individual artist"),
        TermSeed("bridge", "Bridge organisation"),
    ),
    Vocabulary.PRIORITY: (
        TermSeed("network", "Network", "Bringing culture and education people together."),
        TermSeed("activity", "Activity and delivery"),
        TermSeed("opportunities", "Opportunities"),
        TermSeed("youth_involvement", "Youth involvement"),
        TermSeed("progression", "Progression", "Careers, work experience and apprenticeships."),
        TermSeed("profile", "Profile"),
        TermSeed("advocacy", "Advocacy"),
        TermSeed("funding", "Funding"),
        TermSeed("access", "Access and participation"),
        TermSeed("wellbeing", "Mental health and wellbeing"),
        TermSeed("send", "SEND and disability"),
        TermSeed("early_years", "Early years"),
        TermSeed("looked_after", "Looked-after children"),
        TermSeed("place", "Place and pride"),
        TermSeed("cpd", "Training for the sector and for teachers"),
        TermSeed("arts_award_artsmark", "Arts Award and Artsmark"),
        TermSeed("evidence", "Measured impact"),
    ),
    Vocabulary.STAGE: (
        TermSeed("emerging", "Emerging", "People meet and plan."),
        TermSeed("developing", "Developing", "A plan and a way to decide are agreed."),
        TermSeed("established", "Established", "The partnership works to its plan."),
        TermSeed("delivering", "Delivering", "Its programmes reach children and young people."),
    ),
    Vocabulary.INDICATOR: (
        TermSeed("participants", "Children and young people taking part"),
        TermSeed("new_participants", "Taking part for the first time"),
        TermSeed("schools", "Schools taking part"),
        TermSeed("sessions", "Sessions"),
        TermSeed("hours", "Hours"),
        TermSeed("arts_awards", "Arts Awards gained"),
        TermSeed("artsmark_schools", "Schools with Artsmark"),
        TermSeed("cpd_places", "Training places taken"),
        TermSeed("send_participants", "Participants with special needs or disabilities"),
        TermSeed("fsm_participants", "Participants on free school meals"),
        TermSeed("looked_after_participants", "Looked-after children taking part"),
        TermSeed("young_leaders", "Young leaders"),
        TermSeed("money_levered", "Money levered in"),
        TermSeed("in_kind", "Help in kind"),
    ),
}
