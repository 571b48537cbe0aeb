"""Other words for our terms, as partners write them in cells.

Each list follows what council, family-information, museum and festival files hold. A word counts
only while its term exists; a source's saved mapping comes before it.
"""

from collections.abc import Mapping
from functools import cache

from app.sources.headings import plain

Words = Mapping[str, str]
"""For each of our terms, other words for it, separated by `|`."""

ARTFORMS: Words = {
    "combined_arts": """multi arts | multi artform | mixed arts | mixed | carnival | arts |
        creative arts | performing arts | various | multidisciplinary | cross artform |
        festival | cabaret | multi discipline""",
    "dance": """ballet | street dance | break dance | folk dance | african dance | irish dance |
        dancehall | contemporary dance | hip hop | tap | tap dance |
        breakdance | breaking | movement | bhangra | jazz dance | ballroom | dancing |
        creative dance | modern dance""",
    "libraries": "library | reading | books | book group | rhyme time | storytime | story time",
    "literature": """creative writing | writing | storytelling | stories | playwriting |
        journalism | young writers | authors""",
    "museums": "museum | museum visit | collections | object handling",
    "music": """singing | choir | choral | orchestra | band | opera | songwriting | dj | djing |
        guitar | piano | keyboard | drums | drumming | percussion | samba | jazz | rock |
        music making | music lessons | music tuition | strings | brass | woodwind | violin |
        concert | live music | classical music | folk music | music production | vocals |
        ukulele | recorder | music technology""",
    "theatre": """drama | acting | musical theatre | musicals | pantomime | panto | puppetry |
        puppets | youth theatre | improvisation | improv | physical theatre | stagecraft |
        performance | plays | playmaking | role play | comedy | lamda""",
    "visual_arts": """art | fine art | painting | drawing | sculpture | printmaking | printing |
        photography | illustration | visual art | collage | street art | graffiti | mural |
        murals | sketching | art and design | art & design | gallery | exhibition | ceramic art |
        life drawing | comics""",
    "film": """films | filmmaking | film making | cinema | animation | video | moving image |
        screen | screening | media | tv | film and tv | broadcast""",
    "digital": """digital arts | digital art | games | gaming | game design | coding | vr |
        virtual reality | creative technology | games design | podcasting | radio""",
    "craft": """crafts | arts and crafts | arts & crafts | art and craft | art and crafts |
        ceramics | pottery | sewing | knitting | crochet | jewellery | weaving | woodwork |
        design | clay | making | paper craft | junk modelling | felt making | lego""",
    "heritage": """history | local history | archaeology | historic buildings | archives |
        living history | genealogy | conservation""",
    "circus": "circus skills | juggling | acrobatics | aerial | clowning | unicycling",
    "spoken_word": "poetry | poems | rap | rapping | slam | poetry slam | mc | beatbox | debating",
    "fashion": "fashion design | textiles | textile | costume | costume design | millinery",
    "architecture": "built environment | place making | placemaking | town planning",
    "nature": """outdoor | outdoors | outdoor arts | gardening | garden | gardens | forest school |
        wildlife | environment | outdoor learning | land art""",
    "not_specific": """all | any | all artforms | all arts | general | not specific |
        not discipline specific | no specific artform | other | n a""",
}
THEMES: Words = {
    "mental_health": "wellbeing | well being | health | mindfulness | health and wellbeing",
    "careers": "work experience | employability | jobs | skills | creative careers",
    "climate": "environment | sustainability | nature | eco | climate change | green",
    "community": "place | community cohesion | local area | civic pride",
    "diversity": "identity | black history | lgbtq | inclusion | anti racism | culture",
    "early_years": "eyfs | under 5s | nursery",
    "family": "family learning | families",
    "haf": "holiday activities and food | holiday activity fund | bring it on brum",
    "history": "heritage | local history | ww1 | ww2 | victorians | romans | tudors",
    "language": "literacy | english | languages | reading | oracy",
    "looked_after": "looked after children | care experienced | children in care",
    "science": "stem | steam | technology | maths",
    "send": "disability | special needs | sen | inclusive arts",
    "transition": "year 6 to 7",
    "youth_voice": "leadership | co design | coproduction | co production | youth led",
}
AUDIENCES: Words = {
    "children": "kids | child | toddlers | primary | primary aged | babies | juniors | infants",
    "young_people": """teens | teenagers | youth | young adults | young person | secondary |
        students | adolescents | youths""",
    "families": """family | parents | parents and carers | parent | carers and children |
        family groups | families with children | parents and children | grandparents |
        parents carers""",
    "early_years_settings": "nurseries | nursery | childminders | pre schools | preschools",
    "schools": """school | school groups | primary schools | secondary schools | pupils |
        classes | colleges | school | special schools | education groups | schools groups""",
    "teachers": """teacher | educators | school staff | teaching staff | teaching assistants |
        senior leaders | tas | practitioners in schools | headteachers""",
    "home_educated": "home educators | home education | home ed | electively home educated",
    "looked_after": """looked after children | care leavers | children in care | lac |
        care experienced | foster families""",
    "send": """sen | special needs | disabled children | disabled young people | disability |
        children with send | additional needs""",
    "young_carers": "carers under 18",
    "refugees": "asylum seekers | new arrivals | refugee | refugees and asylum seekers",
    "artists": "artist | practitioners | creatives | freelancers | arts professionals",
}
ACCESS: Words = {
    "wheelchair": """wheelchair access | wheelchair | disabled access |
        wheelchair friendly | fully accessible | access for wheelchairs | wheelchair users |
        accessible venue""",
    "hearing_loop": "induction loop | loop | loop system | hearing induction loop | infra red",
    "quiet_space": "quiet room | quiet area | chill out room | calm space | breakout space",
    "dementia_friendly": "dementia",
    "autism_friendly": "autism | asd | asd friendly | autism spectrum disorder | asc",
    "bsl": "bsl interpreted | bsl interpreter | sign language | signed | bsl interpretation",
    "accessible_toilet": """accessible toilets | disabled toilet | disabled toilets |
        accessible wc | adapted toilet | wheelchair accessible toilet""",
    "changing_place": """changing places | changing place | hoist | changing bench |
        changing places toilet | adult changing facilities""",
    "accessible_parking": "disabled parking | blue badge parking | parking for blue badge holders",
    "relaxed": "relaxed performance | relaxed performances | relaxed event",
    "drop_in": "drop in | drop in session",
    "audio_described": "audio description | ad",
    "captioned": "captions | subtitles | subtitled | captioning | speech to text",
    "makaton": "makaton signed",
    "step_free": "level access | ramp | ramps | ramped access | lift | lift access | no steps",
    "assistance_dogs": "guide dogs | guide dogs welcome | assistance dogs | assistance dog",
    "sensory": "sensory room | sensory | sensory resources | ear defenders | sensory bags",
    "one_to_one": "1 to 1 support | 121 support | one to one | personal assistants welcome",
    "easy_read": "easyread | easy read guide",
}
CONCESSIONS: Words = {
    "free_school_meals": """fsm | free school meals | children on free school meals |
        fsm eligible | free for fsm""",
    "pupil_premium": "pp | pupil premium pupils",
    "pay_what_you_can": "pwyc | pay what you like | pay as you feel | donation",
    "bursary": "bursaries | bursary | bursary available | scholarship | scholarships",
    "carer_free": "carer | carers | carers free | free carer ticket | essential companion",
    "sibling": "siblings | sibling discount | siblings discount",
    "low_income": """benefits | unemployed | universal credit | unwaged | income support |
        low wage | on benefits""",
    "residents": "resident | local resident | residents discount | passport to leisure",
    "members": "member | membership | members discount",
    "early_booking": "early bird | early bird discount | earlybird",
}
KINDS: Words = {
    "workshop": "workshops | masterclass | master class | taster | making session",
    "course": """courses | class | classes | lesson | lessons | programme of sessions |
        tuition | regular class | weekly class""",
    "club": """clubs | group | after school club | youth group | youth theatre | youth club |
        saturday club | society | toddler group | regular group""",
    "performance": """performances | show | shows | concert | gig | play | theatre show |
        screening | film screening | recital | production | live performance""",
    "exhibition": "exhibitions | display | installation | trail",
    "festival": "festivals | fair | fete | carnival | event | fun day | family day | open day",
    "school_visit": """school visits | schools visit | school trip | trip | visit |
        museum visit | gallery visit | self led visit | schools session""",
    "outreach": "outreach visit | in school | in schools | in school workshop | visit to school",
    "residency": "residencies | artist in residence | artist residency",
    "cpd": """training | inset | teacher training | professional development | teacher cpd |
        staff training | twilight | conference | seminar""",
    "teachers_network": "network | teacher network | network meeting | teachers network",
    "youth_board": """youth panel | youth council | young ambassadors | ambassador | ambassadors |
        young people's board | youth forum | young producers""",
    "work_experience": "placement | work placement | placements | internship",
    "apprenticeship": "apprenticeships | apprentice",
    "arts_award": "accreditation | qualification",
    "holiday_activity": """holiday club | holiday activity | haf | summer school |
        holiday scheme | play scheme | playscheme | activity holiday camp | holiday course |
        half term activity""",
    "commission": "commissions | call out | open call | artist call | call for artists",
    "funding": "grant | grants | fund | bursary scheme | funding call",
    "loan_resource": "loan box | loan boxes | loan | handling box | loans box | resource box",
    "online_resource": """resource | resources | online resource | video | activity pack |
        lesson plan | download | digital resource | teaching resource""",
    "meeting": "meetings | steering group | forum | drop in meeting",
}
DELIVERIES: Words = {
    "in_person": """in person | face to face | venue | at venue | on site | onsite | physical |
        at the venue | live | f2f | offline | meeting a group of people | one to one meeting |
        offline event attendance mode | at our venue | no""",
    "online": """virtual | zoom | digital | webinar | remote | on line | teams | streamed |
        livestream | live stream | online event attendance mode | yes | via zoom | telephone""",
    "hybrid": """both | blended | online and in person | in person and online | mixed |
        mixed event attendance mode | either""",
    "outreach": """in school | in schools | at your school | we come to you | at your setting |
        in your school | visit to school | off site | offsite | your place | travels to you |
        in school or setting""",
}
PRICE_UNITS: Words = {
    "person": "pp | head | ticket | tickets | each | participant | adult | individual | place",
    "child": "pupil | student | young person | kid | children | learner",
    "adult_and_child": "adult child | adult and child | parent and child | child and adult | pair",
    "family": "family ticket | household | families | group of 4",
    "class": "class of 30 | group | class group | form",
    "school": "setting | school visit",
    "hour": "hr | hourly | h",
    "session": "workshop | lesson | visit | performance | evening | show",
    "half_day": "half day | am or pm | 1 2 day | half a day",
    "day": "full day | daily | whole day",
    "week": "weekly | wk",
    "term": "termly | half term | 10 weeks",
    "course": "programme | block | whole course",
    "membership": "annual | year | yearly | per year | annual membership",
}
STATUSES: Words = {
    "cancelled": "canceled | cancelled | called off | postponed | not going ahead",
    "full": "fully booked | sold out | full | no places | booked up | waiting list | waitlist",
    "withdrawn": """withdrawn | unpublished | archived | archive | deleted | inactive | closed |
        temporarily closed | removed | expired | rejected | hidden | not approved | ended |
        finished | discontinued | suspended | disabled | off""",
    "draft": "draft | pending | in progress | not ready | to be approved | awaiting approval",
    "live": """live | published | active | approved | open | current | confirmed | visible |
        scheduled | available | going ahead | ok | yes | event scheduled | places available |
        booking now | complete | completed""",
}

BY_FIELD: Mapping[str, Words] = {
    "artforms": ARTFORMS,
    "themes": THEMES,
    "audiences": AUDIENCES,
    "access": ACCESS,
    "concessions": CONCESSIONS,
    "kind": KINDS,
    "delivery": DELIVERIES,
    "price_per": PRICE_UNITS,
    "status": STATUSES,
}


@cache
def words(field: str) -> dict[str, str]:
    """Other words for the terms of a field: the term behind each, words without punctuation."""
    found: dict[str, str] = {}
    for code, said in BY_FIELD.get(field, {}).items():
        for word in (code, *said.split("|")):
            found.setdefault(plain(word), code)
    found.pop("", None)
    return found
