"""What people write over their columns, and the field of ours that each one means.

Sources: files of councils, family information services, What's-on systems and museums (the
table of headings in the domain notes), and obvious variants. Matching is blind to case, spaces,
punctuation and underscores.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache


@dataclass(frozen=True)
class Field:
    """A field that a column can fill."""

    name: str
    label: str
    synonyms: tuple[str, ...] = ()
    used: bool = True
    """Whether it goes into the listing; if not, its text is only kept beside it."""
    joined: bool = False
    """Whether several columns may fill it together."""


def _field(name: str, label: str, synonyms: str = "", **more: bool) -> Field:
    found = tuple(part.strip() for part in synonyms.replace("\n", " ").split("|") if part.strip())
    return Field(name, label, found, **more)


FIELDS: tuple[Field, ...] = (
    _field(
        "external_id",
        "Your ID",
        """id | system ref | import id | ref | urn | reference | ref no | reference number | our id
        | our ref | event id | event ref | listing id | listing ref | activity id | activity ref
        | record id | course id | course code | class id | uid | unique id | unique reference
        | identifier | event code | activity code | listing number | guid | unique identifier""",
    ),
    _field(
        "parent_id",
        "ID of the listing it belongs to",
        "import id reference | parent id | parent ref | parent reference | belongs to",
    ),
    _field(
        "title",
        "Title",
        """name | activity name | activity title | activity | event | event name | event title
        | early years provider name | fis provider name | provider name title | course
        | course name | course title | class name | workshop | workshop name | workshop title
        | session name | session title | listing | listing title | listing name | opportunity
        | opportunity title | opportunity name | what | what is it | show | show title
        | production | exhibition | exhibition title | project title | name of activity
        | name of event | name of workshop | name of session | name of class | headline | offer
        | heading | title of event | title of activity | service name | club name | what's on""",
    ),
    _field(
        "summary",
        "Summary",
        """short description | short summary | brief description | strapline | strap line
        | tagline | intro | introduction | teaser | standfirst | excerpt | one line summary
        | summary max 400 characters | short text""",
    ),
    _field(
        "description",
        "Description",
        """content | content area | service description | details | about | blurb
        | long description | full description | event description | activity description
        | description of activity | description of event | what happens | what will happen
        | synopsis | further information | further details | more information | more details
        | information | info | listing text | copy | body | text | additional information
        | other information | course description | what to expect""",
        joined=True,
    ),
    _field(
        "kind",
        "Kind",
        """type | event type | activity type | type of activity | type of event | listing type
        | opportunity type | type of opportunity | kind of activity | format | kind of listing
        | service type | type of session""",
    ),
    _field(
        "artforms",
        "Artforms",
        """artform | art form | art forms | type of art | arts discipline | discipline
        | disciplines | main discipline | genre | genres | category | categories
        | event category | event categories | level 1 description | level 2 description
        | level 3 description | service taxonomies | service taxonomy | subject | subjects
        | art type | artform s | primary artform | main artform | sub category
        | subcategory | activity category""",
        joined=True,
    ),
    _field(
        "themes",
        "Themes",
        """theme | topic | topics | tag | tags | keyword | keywords | curriculum links
        | curriculum link | curriculum | focus | priorities | priority""",
        joined=True,
    ),
    _field(
        "provider",
        "Organisation",
        """provider | organisation | organization | organisation name | organization name
        | organisations | organiser | organisers | organizer | organizers | organised by
        | company | run by | delivered by | led by | host | hosted by | fis registration name
        | recipient | applicant name | partner | provider organisation | name of organisation
        | name of provider | lead organisation | arts organisation | presented by | who runs it
        | delivery partner | delivery organisation""",
    ),
    _field(
        "programme",
        "Programme",
        "program | programme name | scheme | part of | strand | project | series | initiative",
    ),
    _field(
        "audiences",
        "Who it is for",
        """audience | audiences | target audience | target audiences | who for | who is it for
        | who is this for | who's it for | suitable for | for | for whom | target group
        | target groups | aimed at | intended audience | who can come | who can attend
        | participants | open to | beneficiaries""",
        joined=True,
    ),
    _field(
        "ages",
        "Ages",
        """age | ages | age group | age groups | age range | age ranges | age group description
        | age band | age bands | ages served | age suitability | suitable age | suitable ages
        | attendance information | key stage | key stages | ks | year group | year groups
        | school year | school years | phase | school phase | age guidance | recommended age
        | recommended ages | age of participants | ages suitable | age restriction
        | age restrictions | years""",
        joined=True,
    ),
    _field(
        "age_min",
        "Age from",
        """min age | minimum age | age minimum | lower age | from age | youngest
        | youngest age | lowest age | start age | age lower | ages from""",
    ),
    _field(
        "age_max",
        "Age to",
        """max age | maximum age | age maximum | upper age | to age | oldest | oldest age
        | highest age | end age | age upper | ages to | age until""",
    ),
    _field(
        "delivery",
        "How it is delivered",
        """delivery | delivery mode | mode of delivery | delivery channel
        | delivery channel description | mode | online or in person | in person or online
        | attendance mode | event attendance mode | delivery method | delivery type
        | online in person | virtual or in person | face to face or online | how delivered""",
    ),
    _field(
        "is_online",
        "Online",
        "virtual | is online | is virtual | online event | virtual event | digital event",
    ),
    _field(
        "outreach_areas",
        "Areas it comes to",
        """outreach areas | outreach area | area covered | area covered description
        | areas covered | area | areas | areas served | local authority | local authorities
        | local authority area | coverage | district | borough | council | council area
        | catchment | catchment area | where we go | geographical area | service area
        | lcep area | area of operation""",
        joined=True,
    ),
    _field("ward", "Ward", "political ward description | political ward | ward name", used=False),
    _field(
        "venue_name",
        "Venue",
        """venue | building name | building | location name | place | site | where | held at
        | host venue | venue location | name of venue | place name | meeting place | where is it
        | setting | museum | gallery | school venue""",
    ),
    _field(
        "venue_address",
        "Address",
        """full address | venue full address | first line | second line | third line
        | fourth line | address line 1 | address line 2 | address line 3 | address line 4
        | address 1 | address 2 | address 3 | address 4 | address1 | address2 | address3
        | line 1 | line 2 | line 3 | street | street address | road | locality | town
        | town city | city | city town | town or city | village | county
        | location address 1 | location address 2 | location address 3 | location address
        | location city | location town | postal address | address of venue | venue town
        | venue address 1 | venue address 2 | venue city | address locality | post town
        | event address | district name""",
        joined=True,
    ),
    _field(
        "venue_postcode",
        "Postcode",
        """post code | location postcode | venue post code | postal code | location post code
        | pcode | p code | zip | zip code | event postcode | address postcode | site postcode""",
    ),
    _field("venue_lat", "Latitude", "lat | location latitude | venue latitude | geo lat"),
    _field("venue_lng", "Longitude", "lng | lon | long | location longitude | geo long | geo lng"),
    _field("venue_easting", "Easting", "eastings | x coordinate | os easting"),
    _field("venue_northing", "Northing", "northings | y coordinate | os northing"),
    _field(
        "when",
        "When",
        """date | dates | date and time | dates and times | dates and time | date time | date s
        | date s and time s | schedule | session dates | session date | sessions
        | days and times | day and time | timetable | event date | event dates | activity date
        | course dates | date of event | date of activity | when is it | dates times
        | date s time s | dates of sessions | workshop date | performance dates | show dates
        | recurrence""",
        joined=True,
    ),
    _field(
        "start_date",
        "Start date",
        """start | starts | starts at | start at | date from | from date | begins | beginning
        | first date | first session | availability start date | dtstart | date start
        | event start date | event start | start datetime | start date time | start day
        | date of first session | commencing | start date and time | date starts | first day""",
    ),
    _field(
        "start_time",
        "Start time",
        """time from | time start | from time | schedules opens at | opens at | opening time
        | doors | doors open | event start time | start time hh mm | starts time | opens""",
    ),
    _field(
        "end_date",
        "End date",
        """end | ends | ends at | end at | date to | to date | finish date | finishes
        | last date | last session | until | availability end date | dtend | date end
        | event end date | event end | end datetime | end date time | closing date of event
        | end date and time | date ends | finish day | last day""",
    ),
    _field(
        "end_time",
        "End time",
        """time to | time end | to time | finish time | schedules closes at | closes at
        | closing time | finish | event end time | ends time | closes""",
    ),
    _field(
        "weekday",
        "Day of the week",
        """day | days | weekday | weekdays | week day | scheduled weekday | days of the week
        | day s | day of week | session day | which day""",
    ),
    _field(
        "times",
        "Times",
        """time | session time | session times | opening hours | opening times | time s
        | event time | hours | class time | class times | time of day""",
    ),
    _field("weekly_from", "Weekly from", "term starts | term start | from week | weekly start"),
    _field("weekly_until", "Weekly until", "term ends | term end | until week | weekly end"),
    _field(
        "season",
        "Season",
        """opening times description | availability | season | term time | term time only
        | term time or holidays | time of year""",
    ),
    _field(
        "always_available",
        "Always available",
        "on demand | available all year | ongoing | any time | no fixed dates | always on",
    ),
    _field(
        "price",
        "Price",
        """cost | costs | prices | fee | fees | cost details | price details | charge | charges
        | ticket price | ticket prices | tickets price | how much | admission | admission price
        | entry | entry fee | entry price | cost option | price list | cost to participants
        | cost per head | pricing | rate | rates | cost to school | how much does it cost
        | cost information | price information""",
        joined=True,
    ),
    _field("is_free", "Free", "is it free | free event | free of charge | is free event"),
    _field(
        "price_from",
        "Price from",
        """cost from | min price | minimum price | lowest price | cost amount | amount
        | price amount | from price | price min | adult price | full price | standard price""",
    ),
    _field(
        "price_to", "Price to", "cost to | max price | maximum price | highest price | to price"
    ),
    _field(
        "price_per",
        "Price per",
        "per | cost type | unit | price type | cost per | charged per | price unit | cost unit",
    ),
    _field("price_hour", "Price per hour", "per hour | total cost hour | cost per hour"),
    _field(
        "price_session",
        "Price per session",
        """per session | total cost session | cost per session | cost per class
        | price per class | price per workshop | cost per workshop""",
    ),
    _field("price_day", "Price per day", "per day | total cost day | cost per day"),
    _field("price_week", "Price per week", "per week | total cost week | cost per week"),
    _field("price_term", "Price per term", "per term | total cost term | cost per term"),
    _field(
        "concessions",
        "Concessions",
        """concession | discount | discounts | concessionary | reductions | reduced price
        | concession price | concessionary price | discounts available | bursaries | bursary""",
    ),
    _field(
        "access",
        "Access",
        """accessibility | accessibility information | access information | access features
        | accessible features | facility description | facilities | facility
        | location accessibilities | location accessibility | disability access
        | disabled access | access needs met | accessibility features | send needs support
        | special needs area of experience description | send | send provision
        | special needs | send support | send friendly | inclusive | accessibility info""",
        joined=True,
    ),
    _field(
        "access_text",
        "Access notes",
        """access notes | access details | accessibility details | accessibility notes
        | accessibility statement | additional needs | access statement | access requirements""",
    ),
    _field("local_offer", "In the local offer", "is local offer", used=False),
    _field(
        "booking_text",
        "How to book",
        """booking | bookings | booking details | booking information | booking info
        | referral procedure | how to apply | how to join | to book | how do i book
        | booking instructions | booking method | how to take part | registration""",
    ),
    _field(
        "booking_url",
        "Booking link",
        """booking url | book | book here | book online | book now | cta | ticket link
        | tickets link | ticket url | tickets url | tickets | eventbrite | eventbrite link
        | registration link | registration url | sign up | sign up link | booking page
        | booking website | online booking | link to book | booking web address | apply here
        | application link""",
    ),
    _field(
        "booking_required",
        "Booking needed",
        """booking required | needs booking | must book | book in advance | booking essential
        | pre booking | pre booking required | advance booking | booking necessary
        | do you need to book | need to book | requires booking | is booking required""",
    ),
    _field("booking_phone", "Booking phone", "booking telephone | booking number | box office"),
    _field("booking_email", "Booking email", "booking e mail | bookings email"),
    _field(
        "drop_in", "Drop in", "is drop in | drop in session | drop in event | no booking needed"
    ),
    _field("needs_referral", "Referral needed", "referral required", used=False),
    _field(
        "image_url",
        "Image link",
        """image url | image | images | photo | picture | photo url | picture url | img
        | thumbnail | image address | photo link | image src | main image | featured image""",
    ),
    _field(
        "image_alt",
        "Image description",
        "image alt | alt | alt text | image alt text | photo description | image caption",
    ),
    _field("image_credit", "Image credit", "photo credit | photographer | credit | picture credit"),
    _field("contact_role", "Contact role", "role | contact team | team | department | job title"),
    _field(
        "contact_name",
        "Contact name",
        """contact person | name of contact | lead contact | contact names | main contact
        | contact first name | contact surname | tutor | teacher name | leader name""",
        used=False,
    ),
    _field(
        "contact_email",
        "Contact email",
        """email | e mail | email address | contact e mail | contact email address
        | enquiries email | e mail address | emails | public email""",
    ),
    _field(
        "contact_phone",
        "Contact phone",
        """telephone | phone | tel | mobile | telephone number | phone number | contact number
        | contact telephone | tel no | telephone no | contact phone number | mobile number
        | contact tel | landline | phone no | contact mobile""",
    ),
    _field(
        "contact_url", "Contact page", "contact url | contact form | contact link | contact website"
    ),
    _field(
        "contact_text",
        "Contact",
        """contact | contact details | contact information | contact info | enquiries
        | for more information contact | how to contact""",
    ),
    _field("licence", "Licence", "license | licence url | license url | data licence"),
    _field(
        "url",
        "Web page",
        """website | web site | websitecorrected | publication url | link | links | web address
        | webpage | event url | event link | page | more info link | weblink | web link
        | website link | event page | website url | page url | event website | www | web
        | listing url | further information link | activity url | website address | permalink
        | url of event""",
    ),
    _field(
        "status",
        "Status",
        "state | event status | listing status | record status | current status | status of event",
    ),
    _field(
        "is_published", "Published", "approved | visible | live | is live | publish | is visible"
    ),
    _field(
        "is_closed",
        "Withdrawn",
        "temporarily closed | closed | cancelled | canceled | is cancelled | archived | deleted",
    ),
    _field(
        "capacity",
        "Places",
        """capacity | max participants | maximum participants | number of places | max places
        | max group size | maximum group size | group size | class size | spaces
        | total places | max capacity | number of spaces | max no of participants""",
    ),
    _field(
        "places_left",
        "Places left",
        "spaces left | places available | spaces available | remaining places | places remaining",
    ),
    _field(
        "session_id", "Session ID", "session ref | occurrence id | session reference | instance id"
    ),
    _field(
        "last_modified",
        "Last changed",
        """last modified | modified | last updated | updated | updated at | date updated
        | date modified | last edited | created | created at | date added | timestamp""",
        used=False,
    ),
    _field("duplicated_from", "Copied from", "copied from | duplicate of", used=False),
    _field("visible_from", "Shown from", "publish date | publish from | visible until", used=False),
)
"""Every field, in the order of the template."""

BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}

UNDECIDED: Mapping[str, tuple[str, ...]] = {
    "provider name": ("title", "provider"),
    "group": ("title", "provider", "artforms"),
    "groups": ("artforms", "audiences"),
    "note": ("description",),
    "notes": ("description",),
    "comments": ("description",),
    "location": ("venue_name", "venue_address"),
    "from": ("start_date", "start_time", "price_from"),
    "to": ("end_date", "end_time", "price_to"),
    "level": ("artforms",),
    "who": ("audiences", "provider"),
    "year": ("ages",),
    "description of venue": ("access_text",),
    "lead": ("contact_name",),
    "medium": ("artforms",),
    "concessions available": ("concessions",),
}
"""Headings that mean the first of these fields which no other column fills."""

SHORT = 200
"""Longer texts are not remembered: some cells hold whole pages."""
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def plain(heading: str) -> str:
    """A heading or a word without case, accents, spaces, underscores and punctuation."""
    return _short_plain(heading) if len(heading) <= SHORT else _plain(heading)


def _plain(heading: str) -> str:
    text = unicodedata.normalize("NFKD", heading).casefold()
    return "".join(filter(str.isalnum, text))


_short_plain = lru_cache(4_096)(_plain)


@cache
def _index() -> dict[str, str]:
    found: dict[str, str] = {}
    for field in FIELDS:
        for said in (field.name, field.label, *field.synonyms):
            found.setdefault(plain(said), field.name)
    return found


@cache
def _undecided() -> dict[str, tuple[str, ...]]:
    return {plain(said): fields for said, fields in UNDECIDED.items()}


def candidates(heading: str) -> tuple[str, ...]:
    """The fields that a heading may mean, the likeliest first; none when it is not known."""
    without = _BRACKETS.sub(" ", heading)
    for text in (heading, without):
        name = plain(text)
        if not name:
            continue
        if name in _index():
            return (_index()[name],)
        if name in _undecided():
            return _undecided()[name]
    return ()


def is_exact(heading: str, field: str) -> bool:
    """Whether a heading is our own name or label of the field."""
    known = BY_NAME.get(field)
    return known is not None and plain(heading) in {plain(known.name), plain(known.label)}
