"""The service that Local Cultural Education Partnerships run on.

Rooms, from the top floor down; an import goes down, never up:

    cli            the commands of `python -m app`
    main           puts the application together
    tables         every table, for migrations          settings   every knob
    feeds          listings for others: files, calendars, maps, structured data, OpenActive
    harvests       listings fetched from partners' feeds
    sources        partners' systems and their pushes
    enquiries      requests from the public: routing, conversation, retention
    case_studies   what was done and what it changed
    opportunities  listings, sessions, search, moderation
    programmes     three-year plans: milestones, outcomes, budgets
    partnerships   the LCEPs: areas, members, stages, priorities
    organisations  arts organisations, schools, libraries, music hubs; their venues
    authorities    local authorities, postcodes, boundaries
    vocabularies   the words of the field as rows
    webhooks       telling other systems what happened
    deliveries     outbox, worker, mail
    access         who calls, and what they may see and change
    kit            domain-free: database, pages, problems, conditional requests …
"""
