"""The words that the demonstration is put together from. Every name in here is invented."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.opportunities.models import Delivery, Kind

MADE_UP = "Made up for demonstration: it does not exist."
NOT_REAL = "<p><em>Demonstration listing: it does not take place.</em></p>"
NO_PLACE = "Made up for demonstration: nothing takes place at this address."


# --- organisations ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Maker:
    """An invented organisation: its name in two parts, and what it works with."""

    short: str
    rest: str
    sector: str
    authority: str
    artforms: tuple[str, ...]

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.short} {self.rest}"


MAKERS = (
    Maker("Lanternfold", "Arts", "arts", "E08000025", ("combined_arts", "craft", "dance")),
    Maker("Brindlewick", "Museum", "museum", "E08000026", ("museums", "heritage", "visual_arts")),
    Maker("Copperleaf", "Library", "library", "E08000027", ("libraries", "literature", "craft")),
    Maker("Drumlin", "Music Hub", "music_hub", "E08000028", ("music",)),
    Maker("Paperkite", "Youth Theatre", "arts", "E08000029", ("theatre", "circus")),
    Maker("Nettlebank", "Youth Project", "youth", "E08000030", ("music", "spoken_word", "film")),
    Maker("Quarterlight", "Film Workshop", "arts", "E08000031", ("film", "digital")),
    Maker("Merrowdown", "Arts Trust", "arts", "E06000019", ("visual_arts", "craft", "nature")),
    Maker("Ottermoor", "Dance", "arts", "E06000020", ("dance",)),
    Maker("Marlpit", "Pottery Museum", "museum", "E06000021", ("craft", "heritage", "museums")),
    Maker("Underbough", "Storyhouse", "arts", "E06000051", ("literature", "theatre")),
    Maker("Pitprop", "Community Arts", "voluntary", "E07000192", ("combined_arts", "music")),
    Maker("Hopyard", "Heritage Centre", "museum", "E07000193", ("heritage", "museums")),
    Maker("Spirelight", "Singing Project", "arts", "E07000194", ("music",)),
    Maker("Jackdaw", "Circus School", "arts", "E07000195", ("circus", "dance")),
    Maker("Kitewood", "Primary School", "school", "E07000196", ("visual_arts", "music")),
    Maker("Turnstone", "College", "further_education", "E07000197", ("digital", "fashion")),
    Maker("Gritstone", "Outdoor Arts", "arts", "E07000198", ("nature", "theatre")),
    Maker("Moonpenny", "Library", "library", "E07000199", ("libraries", "spoken_word")),
    Maker("Hedgerow", "Arts", "arts", "E07000218", ("craft", "nature", "dance")),
    Maker("Ribbonmill", "Museum", "museum", "E07000219", ("museums", "fashion")),
    Maker("Clockhouse", "Brass and Strings", "arts", "E07000220", ("music",)),
    Maker("Quillon", "Players", "arts", "E07000221", ("theatre", "spoken_word")),
    Maker("Silverthread", "Studio", "arts", "E07000222", ("visual_arts", "fashion")),
    Maker("Foxcombe", "Academy", "school", "E07000234", ("theatre", "music")),
    Maker("Hillfort", "Arts Festival", "arts", "E07000235", ("combined_arts", "film")),
    Maker("Needlepoint", "Textile Workshop", "arts", "E07000236", ("fashion", "craft")),
    Maker("Willowrace", "University Arts", "higher_education", "E07000237", ("film", "dance")),
    Maker("Orchardsteps", "Early Years", "early_years", "E07000238", ("music", "theatre")),
    Maker("Loomgate", "Carpet Museum", "museum", "E07000239", ("museums", "fashion", "heritage")),
    Maker("Skylark Loft", "Theatre", "arts", "E08000025", ("theatre", "music", "dance")),
    Maker("Millrace", "Council Arts Service", "local_authority", "E08000026", ("combined_arts",)),
    Maker("Glasscone", "Studios", "arts", "E08000027", ("craft", "visual_arts")),
    Maker("Turnpike", "Libraries", "library", "E08000028", ("libraries", "literature")),
    Maker("Greenlane", "Music School", "music_hub", "E08000029", ("music",)),
    Maker("Saddler's Yard", "Gallery", "arts", "E08000030", ("visual_arts", "architecture")),
    Maker("Northbeck", "Special School", "special_school", "E08000031", ("music", "visual_arts")),
    Maker("Bullrush", "Rural Touring", "arts", "E06000019", ("theatre", "film")),
    Maker("Ironbrook", "Museum", "museum", "E06000020", ("museums", "heritage", "architecture")),
    Maker("Kilnside", "Youth Voices", "youth", "E06000021", ("spoken_word", "film", "music")),
    Maker("Larkmoor Lane", "Film Society", "voluntary", "E06000051", ("film",)),
    Maker("Ashwater", "Virtual School", "virtual_school", "E07000192", ("combined_arts",)),
    Maker("Maltsters Row", "Dance School", "commercial", "E07000193", ("dance",)),
    Maker("Five Steeples", "Arts Service", "local_authority", "E07000194", ("combined_arts",)),
    Maker("Applecross", "Health and Arts", "health", "E07000195", ("music", "dance")),
    Maker(
        "Canalside", "Home Education Group", "home_education", "E07000196", ("heritage", "craft")
    ),
    Maker("Wharf Steps", "Young Carers", "social_care", "E07000197", ("combined_arts", "craft")),
    Maker("Gritfell", "Library", "library", "E07000198", ("libraries", "nature")),
    Maker("Bobbin Gate", "Play and Arts", "voluntary", "E07000199", ("circus", "craft")),
    Maker("Fresh Page", "Studios", "criminal_justice", "E07000218", ("music", "digital")),
    Maker("Doorstep", "Homes Arts Team", "housing", "E07000219", ("visual_arts", "music")),
    Maker("Scrum and Chorus", "Partnership", "sport", "E07000220", ("dance", "circus")),
    Maker("Riverbend", "Visitor Arts", "tourism", "E07000221", ("heritage", "theatre")),
    Maker("Bandstand Lane", "Orchestra", "arts", "E07000222", ("music",)),
    Maker("Cobnut", "Makers", "commercial", "E07000234", ("digital", "craft")),
    Maker("Medlar Orchard", "Choirs", "music_hub", "E07000235", ("music",)),
    Maker("Fairweather", "Print Studio", "artist", "E07000236", ("visual_arts",)),
    Maker("Faithful Lane", "Gallery", "arts", "E07000237", ("visual_arts", "film")),
    Maker("Plumblossom", "Library", "library", "E07000238", ("libraries", "literature")),
    Maker("Bluebrick", "Theatre Company", "arts", "E07000239", ("theatre", "dance")),
    Maker(
        "Spanwell", "Bridge", "bridge", "E08000025", ("not_specific", "literature", "combined_arts")
    ),
    Maker("Jubilee Works", "Digital Arts", "arts", "E08000025", ("digital", "film", "music")),
    Maker("Gatherwell", "Libraries", "library", "E08000025", ("libraries", "spoken_word")),
    Maker("Tin Whistle Lane", "Primary School", "school", "E08000026", ("music", "literature")),
    Maker("Saffron Steps", "Bhangra and Beats", "arts", "E08000028", ("dance", "music")),
    Maker("Tall Lantern", "Carnival Arts", "arts", "E08000031", ("combined_arts", "fashion")),
    Maker("Saltglaze", "Arts Centre", "arts", "E06000021", ("craft", "theatre", "film")),
    Maker("Ciderpress", "Music Service", "music_hub", "E06000019", ("music",)),
)

VENUES = {
    "arts": ("Studio", "Workshop", "Stage"),
    "museum": ("Museum", "Learning Room", "Store"),
    "library": ("Library", "Children's Library", "Meeting Room"),
    "school": ("School Hall", "Arts Block"),
    "special_school": ("School Hall", "Sensory Studio"),
    "music_hub": ("Music Centre", "Rehearsal Rooms"),
    "further_education": ("Campus Theatre", "Media Suite"),
    "higher_education": ("Arts Building", "Screening Room"),
}
OTHER_VENUES = ("Centre", "Hall", "Yard")
HIDDEN = ("social_care", "criminal_justice", "housing")
"""Sectors whose first venue keeps its exact address back."""
HALLS = ("Community Centre", "Village Hall", "Park Pavilion", "Church Hall", "Youth Centre")
STREETS = (
    "Foundry Lane", "Chapel Street", "Mill Road", "Station Approach", "Orchard Way", "Market Row",
    "Kiln Street", "School Lane", "Bridge Street", "Weavers Walk", "Furnace Road", "Meadow Close",
)  # fmt: skip
AREA_NAMES = ("Brook", "Elm", "Furlong", "Heron", "Larch", "Meadow", "Priory", "Wharf")
VENUE_ACCESS = (
    "wheelchair", "step_free", "accessible_toilet", "accessible_parking", "hearing_loop",
    "quiet_space", "assistance_dogs", "changing_place",
)  # fmt: skip
SESSION_ACCESS = (
    "autism_friendly",
    "relaxed",
    "bsl",
    "makaton",
    "sensory",
    "one_to_one",
    "drop_in",
)
SHOW_ACCESS = ("relaxed", "bsl", "captioned", "audio_described")


# --- what listings are about -----------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """What people do: a name for titles, a phrase that follows `Children …`, suitable ages."""

    name: str
    do: str
    youngest: int = 7
    oldest: int = 25


SUBJECTS: Mapping[str, tuple[Subject, ...]] = {
    "combined_arts": (
        Subject("carnival arts", "build costumes, learn a drum rhythm and parade together", 3),
        Subject("lantern making", "make willow and tissue lanterns for a parade after dark", 3),
        Subject("art and music mix", "paint to music and make music from paintings", 3),
        Subject("festival making", "plan, make and run a small festival of their own"),
    ),
    "dance": (
        Subject("street dance", "learn street dance moves and put together a crew piece", 5),
        Subject("contemporary dance", "explore contemporary dance and make short pieces in pairs"),
        Subject("bhangra", "learn bhangra steps to live dhol drum rhythms", 5),
        Subject("ballet", "learn ballet steps to piano music and dance a short story", 3),
        Subject("creative dance", "make dances from stories, pictures and objects", 0),
        Subject("folk and clog dance", "try clog steps and folk dances from the region"),
        Subject("inclusive dance", "dance together, seated and standing, at their own pace", 0),
    ),
    "libraries": (
        Subject(
            "story time", "listen to a story, sing songs and make a picture to take home", 0, 6
        ),
        Subject("rhyme time", "share rhymes, bounces and songs from many languages", 0, 6),
        Subject("reading group", "read a new book and talk about it over biscuits"),
        Subject("manga and comics", "read manga, draw their own characters and swap comics"),
    ),
    "literature": (
        Subject("story writing", "write stories, from a first line to a finished page", 6),
        Subject("comics", "invent heroes and draw a four-page comic", 6),
        Subject("young writers", "write, share and edit their work with a published author"),
        Subject("picture books", "make a picture book with their own words and drawings", 4, 11),
        Subject("zine making", "fold, write and print a zine about something that matters"),
    ),
    "museums": (
        Subject("object detectives", "handle real objects and work out the story of each", 5, 12),
        Subject("young curators", "choose objects from the store and make a display of them"),
        Subject("museum explorers", "follow trails, draw what they find and play the past", 3),
        Subject("dig and discover", "uncover finds in a mock dig and learn how to date them"),
    ),
    "music": (
        Subject("samba drumming", "play samba drums and bells in a loud and lively band", 5),
        Subject("African drumming", "learn djembe drum rhythms and the songs that go with them", 5),
        Subject("ukulele", "learn their first chords and play songs together"),
        Subject("young voices choir", "sing pop, folk and gospel songs in parts", 5),
        Subject("songwriting", "write lyrics, find the chords and record a song"),
        Subject("steel pan", "learn tunes on the steel pans and play as a band"),
        Subject("beat making", "make beats on laptops and layer sounds into tracks"),
        Subject("string orchestra", "play in a string orchestra, whatever their grade"),
        Subject("brass band", "try cornet, horn and trombone and play together"),
    ),
    "theatre": (
        Subject("youth theatre", "make up scenes, build characters and rehearse a play"),
        Subject("puppet making", "make puppets from everyday things and bring them to life", 3),
        Subject("shadow puppets", "cut shadow puppets and tell a story behind the screen", 5),
        Subject("musical theatre", "sing, dance and act scenes from well-loved musicals"),
        Subject("improvised drama", "play games and make up stories on the spot", 5),
        Subject("stagecraft", "try light, sound and set design on a real stage"),
    ),
    "visual_arts": (
        Subject("painting and drawing", "paint and draw from life, memory and imagination", 1),
        Subject("printmaking", "cut, ink and print their own designs", 5),
        Subject("sculpture", "build large sculptures from card, wire and found things", 5),
        Subject("mural painting", "plan and paint a mural for a wall that needs one", 6),
        Subject("photography", "take photographs outdoors and edit them into a series"),
        Subject("collage", "cut, tear and layer paper into surprising pictures", 2),
    ),
    "film": (
        Subject("stop-motion film", "animate clay figures, frame by frame, into a short film", 6),
        Subject("film making", "write, shoot and edit a short film in a small crew"),
        Subject("documentary film", "film true stories from their own streets", 10),
        Subject("film club", "watch a film on the big screen and talk about how it was made"),
    ),
    "digital": (
        Subject("game design", "sketch, build and test a small computer game"),
        Subject("digital art", "draw on tablets and turn the drawings into moving pictures"),
        Subject("podcasting", "plan, record and edit a podcast about their own ideas", 10),
        Subject("creative coding", "write code that draws patterns and plays sounds"),
    ),
    "craft": (
        Subject("clay", "pinch, coil and roll clay into pots, tiles and creatures", 2),
        Subject("pottery", "throw clay on the wheel and glaze what they make"),
        Subject("willow weaving", "weave willow into baskets, stars and creatures", 6),
        Subject("bookbinding", "fold, sew and bind a sketchbook to keep"),
        Subject("woodwork", "measure, saw and join wood with real tools"),
    ),
    "heritage": (
        Subject("canal stories", "follow the canal and tell the stories of those who worked it", 6),
        Subject("young historians", "search old maps and photographs for lost streets"),
        Subject(
            "Victorian school day", "spend a day in a Victorian classroom, slates and all", 6, 11
        ),
        Subject("oral history", "record the memories of older neighbours and share them", 10),
    ),
    "circus": (
        Subject("circus skills", "juggle, spin plates and balance on a wire close to the floor", 6),
        Subject("acrobatics", "learn rolls, balances and pyramids on soft mats"),
        Subject("clowning", "find their own clown and make each other laugh"),
    ),
    "spoken_word": (
        Subject("spoken word", "write poems to be spoken and perform them to friends"),
        Subject("rap and lyrics", "write bars over beats and record a verse", 10),
        Subject("storytelling", "learn to tell a traditional story without a book", 6),
        Subject("poetry slam", "write, rehearse and slam in teams", 10),
    ),
    "fashion": (
        Subject("sewing", "learn to use a sewing machine and make a bag"),
        Subject("upcycled fashion", "turn old clothes into something new to wear"),
        Subject("costume making", "design and make a costume for a character"),
        Subject("felt making", "turn wool into felt pictures with soap and water", 5),
    ),
    "architecture": (
        Subject("model cities", "build a city of card and decide what it needs", 5),
        Subject("design your street", "walk, draw and plan a better street with an architect"),
    ),
    "nature": (
        Subject("nature art", "make pictures from leaves, mud and found colours", 1),
        Subject("woodland stories", "tell and act out stories among the trees", 2),
        Subject("sound walks", "listen, record and map the sounds of a place", 5),
    ),
    "not_specific": (
        Subject("young producers", "plan events and run them with a small budget", 10),
        Subject("creative careers", "meet people who work in the arts and try what they do", 10),
        Subject("arts ambassadors", "speak up for culture where they live", 10),
    ),
}

PRACTICAL = {
    "dance": "Wear clothes you can move in and bring a drink of water.",
    "music": "Instruments are provided, and nobody needs to read music.",
    "theatre": "Come in comfortable clothes.",
    "circus": "Wear soft clothes without zips and tie long hair back.",
    "craft": "Clothes may get messy; aprons and all materials are provided.",
    "visual_arts": "All materials are provided, and old clothes are a good idea.",
    "film": "Cameras and laptops are provided.",
    "digital": "Computers are provided.",
    "nature": "We are outdoors in all weathers: bring boots and a coat.",
    "fashion": "Fabric and machines are provided.",
}
LEADERS = (
    "Sessions are led by two experienced artists.",
    "A small team of artists and youth workers leads every session.",
    "No experience is needed.",
    "Beginners are welcome, and so are those who have done it before.",
    "Numbers are kept small so that everybody gets help.",
    "Our friendly team will help you settle in.",
)
SHOWS = (
    "The Clockwork Heron", "Moth and the Moon", "A Pocketful of Thunder", "The Last Button Box",
    "Grandma's Loud Umbrella", "The Boy Who Drew Rain", "Under the Table", "Salt, Soot and Stars",
    "The Fox on Platform Nine", "Little Big Noise", "Where the Canal Sleeps", "Paper Giants",
    "The Wolf in the Wardrobe Department", "Snowed In", "Seven Bright Bicycles", "The Night Bus",
)  # fmt: skip
EXHIBITIONS = (
    "Made of Mud", "Bright Ideas", "Our Street, Our Stories", "Thread by Thread", "Look Again",
    "Drawn From Here", "Colour Works", "What the River Kept", "Noise You Can See", "Home Made",
    "Big Small Things", "Pictures by Young Hands", "Tools and Tales", "A Museum of Me",
)  # fmt: skip


# --- what forms listings take ----------------------------------------------------------------


class Pattern(StrEnum):
    """How the sessions of a form lie in the year."""

    WEEKLY = "weekly"
    WEEKENDS = "weekends"
    HOLIDAY = "holiday"
    DAY = "day"
    SCHOOL_DAYS = "school_days"
    RUN = "run"
    OPEN_DAYS = "open_days"
    DAYS = "days"
    MONTHLY = "monthly"
    DEADLINE = "deadline"
    ALWAYS = "always"


@dataclass(frozen=True)
class Form:
    """A form of listing. Texts may name {who}, {do}, {subject}, {town}, {show}, {holiday} …"""

    kind: Kind
    pattern: Pattern
    titles: tuple[str, ...]
    opening: tuple[str, ...]
    closing: tuple[str, ...]
    price: str
    ages: tuple[tuple[float, float] | None, ...]
    audiences: tuple[str, ...] = ()
    starts: tuple[str, ...] = ("10:00",)
    minutes: tuple[int, ...] = (60,)
    sessions: tuple[int, int] = (1, 1)
    delivery: Delivery = Delivery.IN_PERSON
    themes: tuple[str, ...] = ()


DO = ("{who} {do}.", "Here, {who_lower} {do}.")
SHARING = (
    "The last session ends with a sharing for families and friends.",
    "Everybody has something to show at the end.",
    "Come to one session or to all of them.",
)
BOOK = ("Places are limited, so book early.", "Book one place for each child.")
SCHOOLS = (
    "Teachers receive notes to prepare and to follow up.",
    "It links to the curriculum and can count towards Artsmark.",
    "Tell us what your class is working on, and we will plan around it.",
)

FORMS: Mapping[str, Form] = {
    "after_school": Form(
        Kind.CLUB, Pattern.WEEKLY,
        ("{Subject} club", "After-school {subject}", "{Subject} after school"),
        DO, SHARING, "child", ((5, 7), (7, 11), (8, 12), (11, 14)), ("children",),
        ("15:30", "15:45", "16:00"), (60, 75, 90), (6, 12),
    ),
    "saturday": Form(
        Kind.COURSE, Pattern.WEEKENDS,
        ("Saturday {subject}", "Weekend {subject} course", "{Subject} school"),
        DO, SHARING, "course", ((5, 8), (7, 11), (8, 13), (11, 16)), ("children",),
        ("09:30", "10:00", "11:00", "13:30"), (60, 90, 120), (5, 10),
    ),
    "evening": Form(
        Kind.CLUB, Pattern.WEEKLY,
        ("{Subject} nights", "Young people's {subject} group", "{Subject} collective"),
        DO, ("There is food at half past six.", *SHARING), "youth",
        ((11, 16), (13, 19), (14, 25), (16, 25)), ("young_people",),
        ("17:30", "18:00", "18:30"), (90, 120), (6, 12), themes=("youth_voice",),
    ),
    "early_years": Form(
        Kind.CLUB, Pattern.WEEKLY,
        ("{Subject} for under-fives", "Tiny {subject}", "{Subject} stay and play"),
        ("{who} {do}.",), ("Older brothers and sisters are welcome in the holidays.",),
        "child", ((0, 1.5), (0, 4), (2, 5), (0, 5)), ("families",),
        ("09:30", "10:00", "10:30"), (45, 60), (6, 12), themes=("early_years", "family"),
    ),
    "holiday": Form(
        Kind.HOLIDAY_ACTIVITY, Pattern.HOLIDAY,
        ("{Holiday} {subject} week", "{Holiday} {subject} days", "{Holiday} arts: {subject}"),
        DO, ("Bring a packed lunch.", *BOOK), "day", ((5, 11), (7, 11), (8, 14), (11, 16)),
        ("children",), ("09:30", "10:00"), (240, 300, 360), (2, 5),
    ),
    "haf": Form(
        Kind.HOLIDAY_ACTIVITY, Pattern.HOLIDAY,
        ("{Holiday} holiday club: {subject}", "Food, fun and {subject}"),
        ("{who} {do}, with a hot lunch every day.",),
        ("Places are for children on free school meals.",), "free_meals",
        ((5, 11), (8, 16), (11, 16)), ("children",), ("10:00",), (240,), (4, 4),
        themes=("haf",),
    ),
    "workshop": Form(
        Kind.WORKSHOP, Pattern.DAY,
        ("{Subject} workshop", "{Subject} in a day", "Have a go: {subject}", "{Subject} taster"),
        DO, BOOK, "child", ((4, 8), (7, 11), (8, 14), (11, 18), (0, 25)), (),
        ("10:00", "11:00", "13:00", "14:00"), (90, 120, 180, 300),
    ),
    "family": Form(
        Kind.WORKSHOP, Pattern.DAY,
        ("Family {subject}", "Big family {subject} day", "{Subject} for all the family"),
        ("Families {do}.",), ("Drop in and stay as long as you like.", *BOOK), "family",
        (None, (0, 11), (3, 12)), ("families",), ("10:30", "11:00", "13:00"), (120, 180, 240),
        themes=("family",),
    ),
    "performance": Form(
        Kind.PERFORMANCE, Pattern.RUN, ("{show}", "{show}: a family show", "{show} on tour"),
        ("A new show that grew out of {subject}, full of music, mischief and quiet wonder.",
         "A warm and funny show about being brave, made with {subject}."),
        ("It lasts about an hour, and there is time to meet the company afterwards.",), "ticket",
        ((3, 8), (5, 11), (7, 14), (12, 25), None), ("families",),
        ("11:00", "14:00", "18:30", "19:00"), (50, 60, 75), (1, 6),
    ),
    "exhibition": Form(
        Kind.EXHIBITION, Pattern.OPEN_DAYS, ("{exhibition}", "{exhibition}: {subject} on show"),
        ("An exhibition of {subject} by young people from {town}.",
         "See, touch and try: an exhibition about {subject}."),
        ("There are trails, drawing boards and a quiet corner for small visitors.",), "entry",
        (None, (0, 25), (5, 18)), ("families", "schools"), sessions=(12, 36),
    ),
    "festival": Form(
        Kind.FESTIVAL, Pattern.DAYS, ("{town} {subject} weekend", "{Subject} festival, {town}"),
        ("A festival where {who_lower} {do}.",), ("Most events are outdoors and need no booking.",),
        "free", ((0, 25),), ("families", "young_people"), sessions=(2, 5), themes=("community",),
    ),
    "school_visit": Form(
        Kind.SCHOOL_VISIT, Pattern.SCHOOL_DAYS,
        ("{Subject} school visit", "School day: {subject}", "{Subject} for schools"),
        ("Your class will be led by our learning team. Pupils {do}.",), SCHOOLS, "class",
        ((4, 7), (5, 11), (7, 11), (11, 14), (14, 16)), ("schools",), ("09:45", "10:00", "12:30"),
        (120, 150, 240), (1, 8),
    ),
    "outreach": Form(
        Kind.OUTREACH, Pattern.ALWAYS,
        ("{Subject} in your school", "{Subject} comes to you", "Visiting {subject} workshop"),
        ("We come to your school or setting, and pupils {do}.",), SCHOOLS, "class",
        ((3, 5), (4, 11), (7, 11), (11, 16), (5, 19)), ("schools",), delivery=Delivery.OUTREACH,
    ),
    "residency": Form(
        Kind.RESIDENCY, Pattern.WEEKLY, ("{Subject} residency", "Artist in residence: {subject}"),
        ("An artist works with the same classes for half a term. Pupils {do}.",), SCHOOLS, "school",
        ((5, 11), (7, 14), (4, 19)), ("schools",), ("09:15", "13:00"), (150, 300), (5, 8),
        Delivery.OUTREACH, ("artsmark",),
    ),
    "cpd": Form(
        Kind.CPD, Pattern.DAY, ("{Subject} for teachers", "Teaching {subject} with confidence"),
        ("A practical session on {subject} for teachers who are not specialists.",),
        ("You will leave with three activities to try the next day.",), "teacher", (None,),
        ("teachers",), ("16:00", "16:30", "09:30"), (90, 120), themes=("artsmark",),
    ),
    "network": Form(
        Kind.TEACHERS_NETWORK, Pattern.MONTHLY, ("{town} arts teachers' network", "Arts leads"),
        ("Teachers from {town} meet to swap ideas, plan together and hear what is on offer.",),
        ("Tea and cake from four.",), "free", (None,), ("teachers",), ("16:15",), (75, 90), (3, 8),
    ),
    "youth_board": Form(
        Kind.YOUTH_BOARD, Pattern.MONTHLY,
        ("{short} youth board", "Young producers of {town}", "Youth voice group: {subject}"),
        ("Young people help to decide what we put on, and how the money is spent.",),
        ("Travel is paid, and there is pizza.",), "free", ((13, 19), (14, 25), (16, 25)),
        ("young_people",), ("17:00", "17:30"), (120,), (5, 10), themes=("youth_voice",),
    ),
    "work_experience": Form(
        Kind.WORK_EXPERIENCE, Pattern.SCHOOL_DAYS,
        ("Work experience: {subject}", "A week behind the scenes: {subject}"),
        ("A week with our team, helping with {subject} and everything around it.",),
        ("Apply with a short letter or a voice message.",), "free", ((14, 18), (15, 19)),
        ("young_people",), ("09:30",), (360,), (5, 5), themes=("careers",),
    ),
    "apprenticeship": Form(
        Kind.APPRENTICESHIP, Pattern.DEADLINE,
        ("Apprentice, {subject}", "Creative apprenticeship: {subject}"),
        ("A paid apprenticeship for somebody who wants to work in {subject}.",),
        ("The date is the last day to apply.",), "paid", ((16, 24), (18, 25)), ("young_people",),
        themes=("careers",),
    ),
    "arts_award": Form(
        Kind.ARTS_AWARD, Pattern.WEEKLY,
        ("Bronze Arts Award: {subject}", "Silver Arts Award through {subject}", "Arts Award lab"),
        ("{who} {do}, and gain an Arts Award on the way.",),
        ("The fee for moderation is included.",), "course", ((11, 16), (13, 19), (11, 25)),
        ("young_people",), ("16:30", "17:00"), (90, 120), (8, 12), themes=("arts_award",),
    ),
    "commission": Form(
        Kind.COMMISSION, Pattern.DEADLINE, ("Call for artists: {subject}", "Commission: {subject}"),
        ("We look for an artist to make new work in {subject} with young people in {town}.",),
        ("The date is the deadline for proposals.",), "paid", (None,), ("artists",),
        delivery=Delivery.OUTREACH,
    ),
    "funding": Form(
        Kind.FUNDING, Pattern.DEADLINE, ("Small grants for {subject}", "Schools' fund: {subject}"),
        ("Grants of up to £1,000 for schools and groups that start something new with {subject}.",),
        ("The date is the deadline. We are glad to read drafts before it.",), "free", (None,),
        ("schools", "artists"), delivery=Delivery.ONLINE,
    ),
    "loan_box": Form(
        Kind.LOAN_RESOURCE, Pattern.ALWAYS, ("{Subject} loan box", "Borrow a box: {subject}"),
        ("A box of objects, pictures and ideas for {subject}, to keep for half a term.",),
        ("Collect it, or we deliver within the area.",), "loan", ((3, 7), (5, 11), (7, 14), None),
        ("schools", "home_educated"), delivery=Delivery.OUTREACH,
    ),
    "online_resource": Form(
        Kind.ONLINE_RESOURCE, Pattern.ALWAYS, ("{Subject} at home", "{Subject}: films and ideas"),
        ("Short films and sheets to print: {who_lower} {do}, at home or in class.",),
        ("Everything can be used again and again.",), "free", ((3, 7), (5, 11), (11, 16), (0, 25)),
        ("families", "schools"), delivery=Delivery.ONLINE,
    ),
    "online_course": Form(
        Kind.COURSE, Pattern.WEEKLY, ("{Subject} online", "Live online: {subject}"),
        ("Live online from wherever you are: {who_lower} {do}.",),
        ("A list of what to have at hand comes with the link.",), "course",
        ((8, 12), (11, 16), (14, 25)), ("children", "young_people"), ("16:30", "17:30", "18:00"),
        (60, 90), (4, 8), Delivery.ONLINE,
    ),
    "hybrid_course": Form(
        Kind.COURSE, Pattern.WEEKLY, ("{Subject}, in the room or online", "{Subject} lab"),
        ("Join in the room or by video: {who_lower} {do}.",), SHARING, "course",
        ((11, 16), (14, 25)), ("young_people",), ("17:00", "18:00"), (90,), (5, 10),
        Delivery.HYBRID,
    ),
    "meeting": Form(
        Kind.MEETING, Pattern.DAY, ("{town} culture and schools meet-up", "Partners' meeting"),
        ("People from culture and education in {town} meet to plan the next year.",),
        ("Newcomers are welcome.",), "free", (None,), ("teachers", "artists"), ("09:30", "16:00"),
        (120,), delivery=Delivery.HYBRID, themes=("community",),
    ),
}  # fmt: skip

_COMMON = {"after_school": 6, "saturday": 3, "workshop": 5, "holiday": 4, "family": 2}
_YOUNG = {"evening": 4, "arts_award": 2, "youth_board": 1, "work_experience": 1}
_SCHOOLS = {"outreach": 2, "residency": 1, "cpd": 1, "school_visit": 2}
_DEFAULT = {**_COMMON, **_YOUNG, "haf": 2}
FORMS_OF: Mapping[str, Mapping[str, int]] = {
    "arts": {
        **_COMMON, **_YOUNG, **_SCHOOLS, "early_years": 2, "performance": 4, "exhibition": 1,
        "festival": 1, "haf": 2, "online_resource": 1, "online_course": 1, "hybrid_course": 1,
        "apprenticeship": 1, "commission": 1, "network": 1,
    },
    "museum": {
        **_COMMON, "school_visit": 7, "loan_box": 3, "exhibition": 4, "early_years": 2, "cpd": 1,
        "online_resource": 2, "youth_board": 1, "work_experience": 1, "outreach": 1,
    },
    "library": {
        "early_years": 6, "after_school": 5, "family": 4, "workshop": 4, "holiday": 4,
        "exhibition": 1, "evening": 1, "school_visit": 2, "online_resource": 1, "loan_box": 1,
    },
    "music_hub": {
        **_COMMON, **_YOUNG, "outreach": 4, "residency": 2, "cpd": 2, "performance": 2,
        "online_course": 3, "loan_box": 1, "network": 1, "funding": 1,
    },
    "local_authority": {
        "festival": 3, "funding": 2, "haf": 4, "holiday": 3, "meeting": 1, "commission": 2,
        "network": 2, "workshop": 3, "family": 3, "youth_board": 1,
    },
    "bridge": {
        "cpd": 4, "network": 3, "funding": 2, "meeting": 2, "online_resource": 2, "youth_board": 1,
        "commission": 1,
    },
    "school": {"after_school": 5, "performance": 1, "exhibition": 1, "holiday": 2, "network": 1},
    "special_school": {"after_school": 4, "holiday": 3, "performance": 1, "cpd": 2},
    "further_education": {**_YOUNG, "apprenticeship": 2, "workshop": 3, "online_course": 2},
    "higher_education": {
        **_YOUNG, "workshop": 3, "cpd": 3, "exhibition": 1, "hybrid_course": 2, "performance": 1,
    },
    "early_years": {"early_years": 8, "family": 3, "cpd": 1, "online_resource": 1},
    "youth": {**_DEFAULT, "youth_board": 3, "evening": 6, "hybrid_course": 1},
    "home_education": {"workshop": 4, "school_visit": 2, "family": 2, "online_course": 2},
    "artist": {"workshop": 4, "outreach": 3, "residency": 2, "saturday": 2},
}  # fmt: skip
OTHER_FORMS: Mapping[str, int] = _DEFAULT
WEIGHTS = {"arts": 5, "music_hub": 5, "museum": 4, "library": 4, "local_authority": 3}
"""How many listings the organisations of a sector have, compared with 2 of others."""


# --- programmes and case studies -------------------------------------------------------------

PROGRAMMES = (
    ("First Steps on Stage", "theatre"), ("Loud and Local", "music"), ("Clay Futures", "craft"),
    ("Every Child a Storyteller", "stories"), ("Dance Across the Borough", "dance"),
    ("Young Film Makers", "film"), ("Culture Passport", "museums and libraries"),
    ("Making Space", "visual arts"), ("Early Sounds", "music for under-fives"),
    ("Canal and Kiln", "heritage"), ("Next Stage", "creative careers"),
    ("Shared Voices", "spoken word"), ("Arts Leads Together", "training for teachers"),
    ("Open Studio", "arts and wellbeing"), ("Big Draw Schools", "drawing"),
    ("Carnival Classrooms", "carnival arts"), ("Young Producers", "youth-led events"),
    ("Silver Screen Schools", "film"), ("Artsmark Circle", "training for schools"),
    ("Words on Walls", "poetry and murals"), ("Rhythm Routes", "drumming"),
    ("Quiet Rooms, Loud Ideas", "arts for disabled young people"), ("Stitch in Time", "textiles"),
    ("Digital Playground", "games and digital art"), ("Roots and Branches", "outdoor arts"),
)  # fmt: skip
MILESTONES = (
    "Steering group agreed the plan", "Ten schools have signed up", "Artists are contracted",
    "First sharing for families", "Half-way review with young people", "Final evaluation published",
)  # fmt: skip
FUNDERS = (
    "Example Community Trust", "Demonstration Lottery Fund", "Imaginary Foundation for the Arts",
    "Pretend Borough Council", "Sample Schools Forum",
)  # fmt: skip
BUDGET = (
    ("Imaginary Foundation for the Arts", "cash", "Grant towards artists' fees."),
    ("Schools' contributions", "cash", "A share for each class that takes part."),
    ("Venue hire given by members", "in_kind", "Rooms and technicians."),
    ("Volunteers' time", "in_kind", "Counted at the living wage."),
)
CASE_STUDIES = (
    "How twelve classes made one film", "Drums at the bus station", "The choir that began online",
    "From worry to workshop", "A gallery run by ten-year-olds", "Stories in nine languages",
    "Clay, kilns and confidence", "Dancing back to school", "What the youth board changed",
    "A library after dark", "The lantern parade", "Apprentices backstage",
)  # fmt: skip
QUOTES = (
    "I did not think that people like me did this. Now I run the lights.",
    "He spoke in front of the whole class. He has never done that before.",
    "We have been asked three times when it comes back.",
    "My daughter sings all the way home.",
)
SPEAKERS = ("Young person, 16", "Teacher, primary school", "Parent", "Head of a special school")
