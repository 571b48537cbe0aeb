"""Words in common use where children's culture is spoken of, known to be spelt right.

With the tables of spellings and synonyms they are the part of the lexicon that ships. A word that
is missing here is still found; it may only be taken for a slip of one that is not.
"""

KNOWN_WORDS = """
ability able about above abstract academy accept access accessible accompanied accordion account
achieve acoustic acrobat across act activities activity actor acts adult advance advanced advent
adventure advice advise affect affordable african afternoon again against aged ages agreed ahead
aimed aims airy alike alive all allow allowed almost alone along alphabet already also alter
alternative although always amateur amazing ambassador ambition among amount ancient angel angle
angry animal animated anime anniversary annual another answer anxiety anyone anything anywhere apart
appear apple application apply appreciation april arcade archaeologist archaeology archery architect
architecture archive area arena arise armour arms army around arrange arranged array arrival arrive
arrow artistic artwork arty asian asked asks assembly assistant astronaut astronauts astronomer
athletics atlas attach attack attempt attend attendance attic attraction audience audio audition
august aunt austen autumn available avoid await award aware away awesome bach back backstage badge
badger badminton bags bake baked baker bakery baking balance bald ball ballad balloon ballroom band
bandstand bank banksy banner banquet bar barbershop bard bare bark barn base based bash basic basis
basket basketry bass bassoon batch bath bathroom battle bauble baubles beach bead bear beard beast
beat beatboxing beautiful beauty became because become bedtime bees beethoven before began begin
beginner begun behind being bell below bench benches bend beneath benefit bereaved berimbau best
better between beyond bible bicycle bike bind bingo bird birmingham birth birthday biscuit bite
bitter black blacksmith blank blanket bleach blend bless blind block blog blogging blood blow blown
blue board boat bodies body boil bollywood bolt bond bones bonfire booklet bookmaking bookmark
bookshop bookworm boot border bore boring born borough boss bossa botanical both bottle bounce bound
bowl bowling boxes boxing boy brahms braille brain branch brand brass brave breach bread breadth
break breakfast breath breathe breeze brew brick bridge brief bright brilliant bring british
broadcast broke broken broker bromsgrove bronze brother brought brown brownies brush bubble bucket
budding buddy bugging bugle bugs build builder building built bulb bulk bulky bump bunny bunting
burlesque burn bursaries bursary bury bush bushcraft busker busking busy butterflies butterfly
button buy buying buzz buzzing cabaret cabin cafe cage cake calendar called caller calligraphy calls
calm came camera camp campus canal candle cannock canoe cantata canvas capoeira caps captain caption
captioned carbon card cardboard care career carer caretaker cargo caribbean carnival carol carousel
carpet carrier carries carry cart cartoonist carve carving case cash cast castle catch caterpillar
cathedral cattle cause cave cease ceilidh ceiling celebrate celebrating celebration cell celtic cent
central centuries century ceremony certain chain chair chalk chalky challenge chamber champion
chance chandelier change changing chanting chaos chapel chapter character charcoal charge charity
charm chart chase chat chatter cheap check cheek cheer cheerleading cheese chef cherry chess chest
chew chicken chief child childhood chill chime chimney china chinese chip chocolate choice
choirmaster choose chop chord choreography chorister chosen chunk church cinematography circle
circuit circus cities citizen city civic civil claim clap clapping clarinet clarity clash classic
classical classroom clause claws clay claymation clean clear clever click clicking cliff climate
climb climbing clip clock close closed cloth clothes clothing cloud clown club clue cluster coach
coaches coaching coal coast coat cocoa code coding coffee coil coin cold coldfield collage collar
collect collection college colouring colours comb combine combined come comedy comet comfortable
comic commission common community companies companion company compete competition complete completed
compose composer composing composition computer computing concept concern concert concession
conductor conference confidence confident conker conkers connect connected connection consent
conservation consider construct construction contact contain contemporary content contest context
contract contrast control conversation cook cookery cookie cooking cool copies copper copy copying
cord cordial core corner cornet cosmic cosmos cosplay costs costume cosy cottage cotton cough could
council count countdown counter counting country countryside county couple courage course court
courtyard coventry cover cracker cradle crafternoon crafters crafting craftivism crafty crash crate
crawl crayon crazy cream create created creating creation creative creatively creativity creature
creep crescendo crew cricket crime crisp critic crochet crops cross crowd crown cruise crumb crust
cube cubism cubist cubs cultural culture cup curate curator cure curiosity curious curl curling
curriculum curtain curve cushion custom cute cyanotype cycle cycling daddy dahl daily damage damp
dance danger dark darkness dash data date daughter dawn day dead deal dealing dear death debate
decay december decent decide deck decorate decorating decoration decoupage deep deer defective
define degree delight deliver delivered delivery demo demonstration den dense deny depot deprive
depth derive desert design designer designing desk detail detective develop developing development
devised devising diabolo dialogue diary dice dickens didgeridoo died diet differ differently
difficult difficulty digging digital dinner dinosaur diorama diploma dipping direct directing
director directory dirt dirty disability disabled disco discount discover discoveries discovering
discovery discuss discussion dish disk display dive diverse diversity diving dizzy djembe dock docs
doctor documentary dogs doing doll dolphin domestic donation done donkey doodle doodling door double
dough doughnut dove down downstairs draft drag dragon dragonfly drain drawing drawn dream dreamers
dress dressing drew dried drift drill drink drive driven driver drop drug drum dry dual duck dudley
dues duet duke dulcimer dull dummy dump dungeon during dusk dust duty dwarf dwelling dyslexia
dyslexic each eager eagle earlier early earn ears earth easel easier east easter eastern easy eating
eats echo ecologist ecology edge edit editing edition editor education educational educator effect
effort eggs eid eight eighth either elder electric electro electronic elephant eleven elf elgar else
elves email embroidery emerging emit emoji emotion empire empower empty enamel encounter encourage
encouraging endless ends enemy energy engage engagement engaging engine engineer engineering england
english enjoy enjoyable ensemble ensure enter enterprise entertain entertainer entertainment
enthusiast entire entrance entry environment environmental equal equality equinox equipment equity
error escape especially essay essential establish etching ethnic euphonium europe even evening event
ever every everybody everyday everyone everything evidence evil evolution exact exam examine example
excellence excellent except exchange excite excited excitement exciting exclusive excuse exercise
exhibit exhibition exist exit expect expedition experience experienced experiment expert expire
explain explode exploration explore explorer exploring export express expression expressive
extension extra extraordinary eyes fable fabric fabulous face facet facilitator facilities fact
factory fade fail failed failing faint fair fairies fairy faith faithful fall falling false fame
families famous fancy fans fantastic fantasy fanzine farm farmers farming fascinating fashion fast
faster fate father fault favourite fear feast feather feature featured february feed feel feeling
fees feet fell fellow felt female fence festival festive fever fewer fibres fiction fiddle field
fiery fifth fifty fight figure file filed fill filled filling film filmmaker filter final finally
finance find finding fine finger finish fire fireplace fireworks first fish fishing fist fitness
five fixed fixture flag flame flamenco flash flask flat flavour flexible flies flight flip flipbook
float flood floor flour flow flower flown fluid flush flute flying focus focused foggy foil fold
folder folk folklore folktale follow following fond font food fools foot footage football footprint
force forest forever forge forget forgot forgotten fork form formal format fort fortune forty forum
forward fossil foster found foundation founder fountain four fourth fox frame free freestyle freeze
french fresh friday friend friendly friendship frieze frog from front frost frozen fruit fuel full
fully function functional fund funded funder funding fundraiser fundraising funk funky funny fused
fusion future gadget gain gala galactic galaxy galleries gallery gallop game gamelan gamer gaming
gaps garage garden gardener gardening gargoyle garland garlic garments gasp gate gather gathering
gave gear gems general generation generous genre gentle geography geology george german germs
getting ghost ghostly giant gift gifted gigs ginger gingerbread giraffe girl give given glad glance
glare glass glaze glazing glitter global gloomy glory gloves glow glue goal goat goblin gods goes
going gold golden golf good goose gorgeous gospel gossip gothic gouache grab grace grade graduate
grain grand grandparents grant grapes graphic grasp grass grave gravity great greatest greek green
greet greeting grew grid grime grip grit groom ground grow growing grown growth gruffalo guard guess
guest guide guided guild guilty guitar gymnastics habit habitat haiku hair halesowen half hall
halloween halo halt hamlet hammer hand handbells handel handle handler handling handwriting handy
hang happen happening happiness happy harbour hard harm harmonica harmonium harmony harp harvest
hash hatch hate hats hauls haunt haunted have having hawk head header heal health healthy heap hears
heart heat heater heaven heavy hedgehog heel height held hello help helper helpful helping hens
hepworth herb hereford herefordshire heritage hero heroes hers hidden hide high highest highlight
hike hill himself hint hire historian history hits hoax hobbies hobby hobbyist hockey hockney hoist
hold holder hole holi holiday hollow holst holy home homework honest honey honour hoodie hook hoop
hope hopeful horizon horn horror horse hospital host hosted hotel hour house housing hover howl hub
huge hugs hula human humble humour hundred hung hungry hunt hunters hunting hush hymn icing icons
idea ideal identify identity idle igloo iguana illusion illustrate illustrated illustration
illustrator image imagination imaginative imagine immersive impact imply important impossible
impression improve improvers improvisation inch inches including inclusion inclusive indeed indent
independent india indian individual indoor industrial industry infant influence inform information
ingredients initiative ink inner innovation innovative insect insert inside insight inspiration
inspire inspired inspiring instead institute instrument instrumental integrated intend intensive
intent interact interactive interest interested interesting interior intermediate international
internet interpret interview into introduce introducing introduction invent inventing invention
inventor investigate invisible invitation invite invited iron ironbridge ironing island issue
italian item itself jacket jail jamboree james jams january japan japanese jars jaws jazz jeans
jelly jets jewel jewellery jigsaw jobs jogs join joined joining joint joke journal journalism
journey joyful joyous joys judge judo juggling juice july jumble jump jumper jumping june jungle
junior junk junkyard jury just justice kabaddi kahlo kaleidoscope karaoke karate kathak keen keep
keeper keeping keepsake kept kettle keyboard keys kick kickstart kidderminster kidding kids kill
kiln kimono kind kinder kindness king kingdom kintsugi kit kitchen kite knee kneel knew knife knight
knit knitting knob knock knot know knowledge known korean label laboratory lace lacemaking lack
ladder ladies lady laid lake lamb lamp land landmarks landscape lane language lantern large larger
laser last late later latest latin latter laugh laughing laughter launch laundry lava law lawn
lawyer layer lazy lead leader leadership leading leaf leak leamington leap learn learned learner
learning learnt lease least leather leave leaving lecture ledbury left legacy legend legendary lego
legs leisure lemon lend length lens lent leominster less lesson lets letter lettering lettuce level
liar librarian libraries library librettist licence licensing lichfield lick lies life lifelong lift
light lighting like likely lime limerick limit limited line linear liner link linked lino linocut
lion lips liquid list listed listen listening literacy literary literature little live lively liver
living lizard llama load loader loaf loan lobby local location lock lodge loft logging logic logo
lonely long longer look looking loop loose lord lose losing loss losses lost lots loud louder lounge
love loved lovely lover lower lowest lowry luck lucky ludlow luggage lullaby luminous lumps lunar
lunch lunchbox lunches lunchtime lungs lute lying lyme lyricist lyrics machine macrame made madness
magazine magic magical magician mail mailing main major makaton make makeover maker makerspace
makeup making male malvern mammal manage manager mandala mane manga manner manor manual many maps
marathon marble march marching margin marine mark marked marker market marking marquee mars martial
martin marvellous mask mass master masterclass masterclasses masterpiece mastery mat match matching
mate material mathematics maths matilda matisse matter maybe mayor maypole maze meadow meal meaning
meant measure meat mechanic medal media medieval medium meerkat meet meeting mehndi melodies melody
melt melting member membership memories memory mend mendhi mending mental mentor mentoring menu
merging merlin mermaid merry mess message messy metal meteor method metre mice midday middle
midlands midsummer midweek midwinter might mighty mild mile military milk mill millennium mime mind
mindful mindfulness mine minecraft mini miniature minibeast minimum mining mint minute mirror miss
missing mission mist misty mixed mixes mixing mixture mobile mock mode model modelling modern modroc
moist moment monday monet money monkey monologue monoprint monsoon monster month monthly monument
mood moon moonlight moral more morning morris mortar mosaic mosque moss most moth mother motion
motor mould mount mountain mounted mouse mouth move moved movement movie moving mower mozart much
mucky muddle muddy muffin mugs mummies mummy mural muscle museum mushroom music musical musician
must myself mysteries mystery myth mythical mythology nails naive name named narrative narrow nasty
nation national native nativity natural naturalist nature naughty navy near nearby nearly neat neck
need needed needle needlecraft needlefelting neighbour neighbourhood neither nerve nest netball
network never newcastle newcomers newer newly news newspaper newsroom newt next nice nicely night
nine ninja nobody node nods noise noisy none nonsense noon normal normally norman north nose note
notebook nothing notice noun novel novelist november number nuneaton nurse nursery nursing nurture
nutcracker nuts oaks oars oath oats obey object oboe observe obstacle occur ocean october octopus
odds odyssey offer offered offering office officer often ogre oily older oldest olive oliver olympic
once ones ongoing onion online only onto onwards open opened opening opera operating opportunities
opportunity option oral orange oratory orbit orchard orchestra orchestral order ordinary organ
organic organisation organise organised organiser orientation orienteering origami original oswestry
other otter ought ourselves outcome outdoor outer outfit outing outreach outside outstanding oval
oven over overnight owes owls owned owner oxen oxford oxygen pace pack packed paddington paddle page
pageant paid pain paint paintbrush painted painter painting pair palace pale palette palm pancake
pancakes panda panel pans panther panto pantomime pants paper papercraft papier parachute parade
paradise parcel pardon parent parish park parking parkour parody parrot part partial participant
participate participation parties partner partnership party pass passes passion passover passport
past pasta paste pastel patch patches patchwork patent path patience patient pattern pause paved
pavement pays peace peaceful peacock peak pear pearl peas pebble pedal peel peep peer pencil pending
penguin pens pentatonic people peppa pepper percussion perfect perform performance performer
performing period permanent person personal perspective pertain pets pewter phase philosophy phoenix
phone phonics photo photographer photography phrase physical pianist piano picasso pick picked
picking pickle picnic picture piece pier pigs pile pilgrim pill pillow pilot pinata pinch pine
pinhole pink pinned pins pint pioneer pipe pirate pitch pixel pizza place placement plain plan plane
planet planetarium planner planning plant planting plaster plastic plasticine plate platform play
played player playful playground playgroup playing playlist playtime playwright playwriting please
pleasure plenty plot plug plum plumber plus pocket podcast podcasting poem poet poetic poetry point
pointer poke pokemon poker polar pole police policies polite polka poll polymer pompom pond pony
pool poor poppies poppins poppy popular porch pork port porter portfolio portion portrait
portraiture pose posh position positive possible post postcard poster pot potion potter pottery
pouch pound pour pouring powder power powered powerful practical practice practise practitioner
praise pray precious prefer premier premiere preparation prepare presence present presentation
presented presenter presenting preset press pressed pressing pretend pretty prevent preview previous
prey price pride primary prince princess print printed printing printmaker printmaking prior prison
private prize probably probe problem process procession produce produced producer product production
professional profile profit program programme programming progress progression project projection
promenade promote prompt proof prop proper properly property prose protect proud proven proves
provide provided provider provision public publish publisher publishing pudding pull pump pumpkin
punch punk pupil puppet puppeteer puppetry puppies puppy pure purely purim purple purpose purse
pushed pushing puts puzzle quack qualify quality quarrel quarry quarter quartet quavers queen queer
quest question quick quiet quill quilling quilt quintet quite quiz quizzes quota quote rabbit race
racing rack radio raffle raft raging ragtime rails railway rain rainbow rainforest rainy raise rake
ramadan ranch rang range ranger rangoli rank rapid rapping rare rarely raspberry rate rather ratio
rats raven ray razor reach reached reaction read reader reading ready real realise reality really
reason rebel recall received recent reception recipe recital recommend record recorder recording
recover recovery recycle recycled recycling redditch redesign reds reduce reed reel refer referral
refill reflect reflection refreshments refugee refuse regard regarding reggae region regional
register registration regular rehearsal rehearse rehearsed reindeer relate related relationship
relax relaxation relaxed relaxing relay release relief relies rely remain remarkable remember
remembrance remind remix remote remove removed renaissance render rent repair repeat replace replay
replica reply report reptile require required rescue research reserve reset residencies residency
resident resilience resin resist resolution resource respect respond response rest restaurant
restore result retain retell retelling retreat retro return returning reuse reveal review revised
revolution reward rhyme rhythm ribbon rice rich ride ridge riding right ring rinse ripe rise rising
risk river road roald roar roaring roast robe robin robot robotics rock rocket role roll roller
rolling roman romance roof room rooster root rope rose rotten rough round rounders route router
routine rows royal rude rugby rugs ruin rule rumba rumble running rural rush russian rust sack
saddle sadly safari safe safely safety said sailing sailor sails saint sake salad sale salon salsa
salt samba same sample samurai sand sandbox sandcastle sandwell sandwich sandy sang santa santoor
sari satin saturday sauce savage save saved saxophone saying says scale scan scare scarecrow scared
scarf scary scavenger scene scenery scent schedule scheme scholarship school science scientific
scientist scooter scope score scouting scouts scrap scrapbook scrapbooking scrape scratch screen
screening screenplay screenwriting scribble scribblers script scroll scrub sculpt sculptor sculpture
seal seam search seas seaside season seasonal seat second secondary secret section secure seed seek
seems seen sees self sell selling sending senior sense sensible sensory sent sentence sentry
september sequin serenade series serious serve served server service session sets setting settle
settled seven several sew sewing sewn shade shadow shadowy shake shaker shakespeare shall shallow
shame shanties shanty shape share shared sharing shark sharp shed sheep sheet shelf shell shelter
shelves sherlock shield shine shiny ship shirt shock shoe shoebox shook shoot shooting shop shopping
shore short shorter shot shoulder shout show showcase shower showing shown shrewsbury shrine shrink
shropshire shrove shrub shut shy sibling sick side sigh sight sign signed signing silence silent
silhouette silk silly silver similar simple simpler simply since sing singalong singer singing
single sink sips sister sitar site sits sixteen sixth sixty size skate skateboard skateboarding
skatepark skating skeleton sketch sketchbook sketches sketching skies skill skilled skin skip
skipping skirt skit skull slam slap slapstick sleep sleeping sleepover sleeves slept slice slide
slim slime slip slope slot slow slower slowly slug small smaller smart smash smell smethwick smile
smoke smoky smooth snack snail snake snap sneak sniff snow snowflake snowglobe snowman snowmen snug
soak soap soapbox soaring social society socket socks sofa soft softly software soil solar sold
soldier sole solid solihull solo solstice solution solve solving some something sometime somewhere
song songbook songwriter songwriting sonic sonnet soon soprano sorcerer sore sorry sort sorted soul
sound soundscape soundtrack soup source south southern space spades spam span spanish spare spark
sparkle sparkler sparkling speak speaker speaking special specialist species speech speed speedy
spell spelling spend spent sphere spice spider spike spill spin spinning spiral spire spirit spite
splash splat splatter split spoil spoke spoken sponge spontaneous spooky spoon sport spot spotlight
spray spread spring sprint squad square squash squiggle squirrel stable stack stadium staff stafford
staffordshire stage stagecraft staged staging stain stained stairs stake stale stall stamp stand
standard standing star stare stargazing starlight starry start started starter starting starve state
station statue status statute stay stayed staying steal steam steampunk steel steep steering stem
stencil step stepping stern stew stick sticker stiff still stilts sting stir stirring stitch
stitches stitching stock stocking stoke stole stolen stomp stone stood stool stop stopping store
stored stories storm story storyboard storyboarding storybook storyhouse storyteller storytelling
stourbridge stove straight strand strange stranger strap strategy stratford straw stray stream
street strength stress stretch strictly strike string strip stripe stroke strong structure struggle
stuck student studied studies studio study stuff stump stunning stunt style styled stylish subject
subset success successful such sugar suitable suite summer summertime sums sunday sundial sunflower
sung sunk sunlight sunny sunrise sunset sunshine super superhero superheroes supper supply support
supported supporting suppose sure surely surf surface surge surprise surreal survey survival
sustainability sustainable sutton swallow swamp swan swap swear sweat sweep sweet swift swim
swimming swing swirl switch sword swordfish swung symbol symphony synth system tabla table tableau
tablet tabletop tactile tag taiko tail tailor take taken takeover taking tale talent talented talk
talking tall tambourine tame tamworth tango tank tapdance tape tapestry taps target task taste
taster tasting tasty taught tax taxi tchaikovsky teach teacher teaching team teamwork tear tease
tech technical technician technique technology teddy teen teenage teenager teeth telescope
television telford tell telling temp tempera temple tempo tend tender tennis tenor tense tent tenth
term terrace terracotta terrible terrific test text textile texture thank theatre theatrical theirs
thick thief thin thing think thinking third thirsty thirteen thirty thorn though thoughtful thoughts
thousand thread threat three threshold threw thrill thriller throat throne through throughout throw
thrown thrust thumb thunder thursday tick ticket tickle tide tidy tied tier ties tiger tight
tightrope tile till timber time timeline timer tinker tinkering tins tinsel tinwhistle tiny tips
tired tissue title toad toast today toddler toes together token told tomorrow tone tonight tons took
tool toolbox toolkit topic torch tore torn toss total totem touch touches tough tour touring towards
tower town toymaking toys trace track trade tradition traditional trail train trained trainee
trainer training transform transformation transforming transition translate translation transport
trap trapeze travel traveller travelling tray treasure treasury treat treaty trebuchet tree
treehouse trench trend trial tribal tribe tribute trick tries trim trinket trio trip tripod triumph
troll trolley trombone troop trophy tropical trot trouble trousers trout truck true truffle trumpet
trunk trust truth trying tuba tube tudor tuesday tuition tune tunnel turn turner turning turntables
turtle tutor tutorial tweed twelfth twelve twice twig twilight twin twist twister type typing
typography ugly ukes ukulele ultimate umbrella uncle under undercover underground understand
understanding underwater unfair unicorn unicycle uniform union unique unit united universe
university unknown unleash unless unlike unlimited unlock unplugged unseen unsure until unusual
upcycle upcycled upcycling upper upset upstairs upwards urban urge used useful user uses using usual
usually vacancies vacancy vague vain vaisakhi valentine valid valley value vampire varies variety
various vary vase vast vault vaulting vegan vegetable vehicle veil vein velvet ventriloquist venture
venue vermeer verse version very vest vets vibrant vice victorian victory video view viewing viking
village vintage viola violates violet violin violinist virtual visible vision visionary visit
visiting visitor visual vital vivid vlog vlogging vocal voice voiced volcano volt volume volunteer
volunteering vote vowel voyage wade wage wagner wagon wait waiting waive wakes waking walk walking
wall walrus walsall wand wander wandering wanted wants warhol warm warmth warn warning warrior
wartime warwick warwickshire wash washing wasp wassail wassailing waste wasted watch watched watches
watching water watercolour waterways watery wave waving weak wealth weapon wear wearable weather
weave weaver weaving web webinar website wedding wedge wedgwood wednesbury wednesday weed week
weekday weekend weekly weft weigh weight weird welcome welcoming welfare well wellbeing wellies went
wept west western whale what wheat wheel wheelchair when where which while whilst whip whisper
whistle white whittle whittling whole whom whose wicked wickerwork wide widely wider wife wigs wild
wilderness wildflower wildlife will willow wind windmill window windrush wing winner winter wipe
wire wired wise wish wished wishes witch witches within without witty wives wizard wizardry woke
wolf wolverhampton wolves wombles women wonder wonderful wonderland wood woodcarving woodcut wooden
woodland woodpecker woodwind woodwork woodworking wool worcester worcestershire word work worked
worker working workshop world worm worn worry worse worship worst worth wound woven wrap wreath
wreck wrekin wrestling wrist write writer writing written wrong wychavon wyre xylophone yard yarn
yawn year yearly yell yellow yesterday yield yoga yolk young younger youngest youngsters yours
yourself youth youthful yurt zebra zero zines zip zither zombie zone zoo zoom
"""
