"""The default mapping, in the very form in which users write theirs: a new user writes none.

Left out on purpose: `name` (GHL makes it from first and last name), `country`, `website` and `timezone`
(Lofty has none), and times that change without anyone having edited the lead, such as `lastUpdateTime`.
"""

DEFAULT_MAPPING = """
custom_attributes = "none"

[fields]
firstName   = { from = "firstName", transform = ["trim"] }
lastName    = { from = "lastName", transform = ["trim"] }
email       = { from = "emails", transform = ["email"] }        # the first valid one
phone       = { from = "phones", transform = ["phone"] }        # the first readable one, as E.164
address1    = "_address.streetAddress"                          # the mailing address, else the first property's, else the lead's
city        = "_address.city"
state       = "_address.state"
postalCode  = "_address.zipCode"
source      = "source"
dateOfBirth = { from = "birthday", transform = ["date"] }
assignedTo  = "_agent.email"                                    # the assigned agent's e-mail, as GHL user

"custom:Lofty stage"              = "stage"
"custom:Lofty lead type"          = { from = "leadTypes", transform = [{ values = { "-1" = "Other", "1" = "Seller", "2" = "Buyer", "5" = "Renter", "6" = "Investor", "7" = "Agent", "8" = "Homeowner", "9" = "Landlord" } }, { join = ", " }] }
"custom:Lofty score"              = { from = "score", type = "NUMERICAL" }
"custom:Lofty agent"              = "assignedUser"
"custom:Lofty pond"               = "pondName"
"custom:Lofty segments"           = { from = "segments", transform = [{ join = ", " }] }
"custom:Lofty price min"          = { from = "leadInquiry.priceMin", type = "MONETORY" }
"custom:Lofty price max"          = { from = "leadInquiry.priceMax", type = "MONETORY" }
"custom:Lofty bedrooms"           = { from = "leadInquiry.bedroomsMin", type = "NUMERICAL" }
"custom:Lofty bathrooms"          = { from = "leadInquiry.bathroomsMin", type = "NUMERICAL" }
"custom:Lofty locations"          = { from = "leadInquiry.locations[].city", transform = [{ join = ", " }] }
"custom:Lofty property type"      = { from = "leadInquiry.propertyType", transform = [{ join = ", " }] }
"custom:Lofty buying time frame"  = "buyingTimeFrame"
"custom:Lofty selling time frame" = "sellingTimeFrame"
"custom:Lofty pre-qualified"      = "preQual"
"custom:Lofty language"           = "language"
"custom:Lofty referred by"        = "referredBy"
"custom:Lofty last touch"         = { from = "lastTouch", transform = ["date"], type = "DATE" }
"custom:Lofty created"            = { from = "createTime", transform = ["date"], type = "DATE" }
"""
