# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases the stand-in knows, what each needs, and the migrations each brought."""
from standin.core import version_key

# What a minor series needs and pins. ruby_min/ruby_end: the Gemfile's range. pg, redis: enforced minimums.
SERIES = {
    "4.1": dict(ruby="3.0.4", ruby_min="2.7.0", ruby_end="3.3.0", node="16", node_min="14", yarn="1", pg=90500, redis="4.0",
                rails="6.1.7.2", sidekiq="6.5.8", puma="5.6.5", api=None, vips=False, packer="webpacker", gems=(134, 316)),
    "4.2": dict(ruby="3.2.2", ruby_min="3.0.0", ruby_end="3.4.0", node="20.7", node_min="16", yarn="1", pg=90500, redis="4.0",
                rails="7.0.8", sidekiq="6.5.9", puma="6.3.1", api=None, vips=False, packer="webpacker", gems=(137, 326)),
    "4.3": dict(ruby="3.3.5", ruby_min="3.1.0", ruby_end="3.4.0", node="20.17", node_min="18", yarn="4.5.0", pg=120000, redis="4.0",
                rails="7.1.4", sidekiq="6.5.12", puma="6.4.3", api=2, vips=False, packer="webpacker", gems=(146, 333)),
    "4.4": dict(ruby="3.4.4", ruby_min="3.2.0", ruby_end="3.5.0", node="22.17", node_min="20", yarn="4.9.2", pg=130000, redis="6.2.0",
                rails="8.0.2", sidekiq="7.3.9", puma="6.6.0", api=6, vips=False, packer="vite", gems=(144, 331)),
    "4.5": dict(ruby="3.4.7", ruby_min="3.2.0", ruby_end="3.5.0", node="24.10", node_min="20.19", yarn="4.10.3", pg=140000, redis="7.0.0",
                rails="8.0.4.1", sidekiq="8.0.9", puma="7.1.0", api=8, vips=False, packer="vite", gems=(146, 340)),
    "4.6": dict(ruby="4.0.5", ruby_min="3.3.0", ruby_end="4.1.0", node="24.16", node_min="22", yarn="4.16.0", pg=140000, redis="7.0.0",
                rails="8.1.3", sidekiq="8.1.6", puma="8.0.1", api=11, vips=True, packer="vite", gems=(147, 344)),
    "4.7": dict(ruby="4.0.5", ruby_min="3.3.0", ruby_end="4.1.0", node="24.16", node_min="22", yarn="4.16.0", pg=140000, redis="7.0.0",
                rails="8.1.3.1", sidekiq="8.1.7", puma="8.0.2", api=12, vips=True, packer="vite", gems=(147, 345)),
}

PATCHES = {
    "4.1": [0, 10, 20, 25], "4.2": [0, 1, 9, 20, 29], "4.3": [0, 1, 10, 20], "4.4": [0, 1, 5, 13],
    "4.5": [0, 1, 9, 15, 20], "4.6": [0, 1, 5, 6], "4.7": [0, 1, 2, 3, 4],
}

# The tables of a 4.1.0 server, as far as a runbook can see them.
BASE_SQL = """
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar, created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
INSERT INTO ar_internal_metadata VALUES ('environment', 'production', now(), now());
CREATE TABLE accounts (id bigserial PRIMARY KEY, username varchar NOT NULL DEFAULT '', domain varchar, private_key text,
  public_key text NOT NULL DEFAULT '', uri varchar NOT NULL DEFAULT '', url varchar, display_name varchar NOT NULL DEFAULT '',
  locked boolean NOT NULL DEFAULT false, created_at timestamp NOT NULL DEFAULT now());
CREATE UNIQUE INDEX index_accounts_on_username_and_domain_lower ON accounts (lower(username), coalesce(lower(domain), ''));
CREATE TABLE users (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, email varchar NOT NULL DEFAULT '',
  encrypted_password varchar NOT NULL DEFAULT '', encrypted_otp_secret varchar, encrypted_otp_secret_iv varchar,
  encrypted_otp_secret_salt varchar, otp_required_for_login boolean NOT NULL DEFAULT false, locale varchar,
  current_sign_in_at timestamp, created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE conversations (id bigserial PRIMARY KEY, uri varchar, created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE statuses (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, text text NOT NULL DEFAULT '',
  visibility int NOT NULL DEFAULT 0, local boolean, uri varchar, url varchar, conversation_id bigint, in_reply_to_id bigint,
  reblog_of_id bigint, deleted_at timestamp, created_at timestamp NOT NULL DEFAULT now());
CREATE INDEX index_statuses_20190820 ON statuses (account_id, id DESC, visibility) WHERE deleted_at IS NULL;
CREATE TABLE follows (id bigserial PRIMARY KEY, account_id bigint NOT NULL, target_account_id bigint NOT NULL,
  created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE notifications (id bigserial PRIMARY KEY, account_id bigint NOT NULL, activity_id bigint, type varchar,
  created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE oauth_access_tokens (id bigserial PRIMARY KEY, token varchar NOT NULL UNIQUE, resource_owner_id bigint,
  scopes varchar, revoked_at timestamp, created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE settings (id bigserial PRIMARY KEY, var varchar NOT NULL UNIQUE, value text);
CREATE TABLE unavailable_domains (id bigserial PRIMARY KEY, domain varchar NOT NULL UNIQUE);
CREATE TABLE follow_recommendation_suppressions (id bigserial PRIMARY KEY, account_id bigint);
CREATE TABLE preview_cards (id bigserial PRIMARY KEY, url varchar NOT NULL DEFAULT '');
CREATE TABLE web_push_subscriptions (id bigserial PRIMARY KEY, endpoint varchar NOT NULL, user_id bigint);
"""
BASE_VERSIONS = ["20220824164433", "20221104133904", "20221206114142"]

# (version, class, pre|post, release, what the migration says, SQL). A SQL text with CONCURRENTLY runs outside a transaction.
MIGRATIONS = [
    ("20230330135507", "AddTimeZoneToUsers", "pre", "4.2.0", 'add_column(:users, :time_zone, :string)',
     "ALTER TABLE users ADD COLUMN time_zone varchar"),
    ("20230605085711", "CreateSoftwareUpdates", "pre", "4.2.0", 'create_table(:software_updates)',
     "CREATE TABLE software_updates (id bigserial PRIMARY KEY, version varchar NOT NULL UNIQUE, urgent boolean NOT NULL DEFAULT false,"
     " type int NOT NULL DEFAULT 0, release_notes varchar NOT NULL DEFAULT '')"),
    ("20230814223300", "AddIndexableToAccounts", "pre", "4.2.0", 'add_column(:accounts, :indexable, :boolean, null: false, default: false)',
     "ALTER TABLE accounts ADD COLUMN indexable boolean NOT NULL DEFAULT false"),
    ("20230818141056", "CreateInstancesView", "pre", "4.2.0", 'create_view(:instances, materialized: true)',
     "CREATE MATERIALIZED VIEW instances AS SELECT domain, count(*) AS accounts_count FROM accounts WHERE domain IS NOT NULL GROUP BY domain"),
    ("20230822081029", "AddHideCollectionsIndex", "pre", "4.2.0", 'add_index(:accounts, [:domain, :id], name: :index_accounts_on_domain_and_id)',
     "CREATE INDEX CONCURRENTLY index_accounts_on_domain_and_id ON accounts (domain, id)"),
    ("20230818142253", "DropFollowRecommendationSuppressions", "post", "4.2.0", 'drop_table(:follow_recommendation_suppressions)',
     "DROP TABLE follow_recommendation_suppressions"),
    ("20230907150100", "ValidateNotNullDisplayNameOnAccounts", "post", "4.2.0", 'validate_check_constraint(:accounts, :display_name)',
     "ALTER TABLE accounts ALTER COLUMN display_name SET NOT NULL"),

    ("20231023105620", "AddLanguageToPreviewCards", "pre", "4.3.0", 'add_column(:preview_cards, :language, :string)',
     "ALTER TABLE preview_cards ADD COLUMN language varchar"),
    ("20240221195424", "AddFilteredToNotifications", "pre", "4.3.0", 'add_column(:notifications, :filtered, :boolean, null: false, default: false)',
     "ALTER TABLE notifications ADD COLUMN filtered boolean NOT NULL DEFAULT false"),
    ("20240307180905", "AddOtpSecretToUsers", "pre", "4.3.0", 'add_column(:users, :otp_secret, :string)',
     "ALTER TABLE users ADD COLUMN otp_secret varchar"),
    ("20240603195202", "AddGroupKeyToNotifications", "pre", "4.3.0", 'add_column(:notifications, :group_key, :string)',
     "ALTER TABLE notifications ADD COLUMN group_key varchar"),
    ("20240720140205", "AddIndexNotificationsOnAccountIdAndGroupKey", "pre", "4.3.0",
     'add_index(:notifications, [:account_id, :group_key], algorithm: :concurrently)',
     "CREATE INDEX CONCURRENTLY index_notifications_on_account_id_and_group_key ON notifications (account_id, group_key) WHERE group_key IS NOT NULL"),
    ("20240730175215", "MigrateDeviseTwoFactorSecrets", "post", "4.3.0", 'migrate_devise_two_factor_secrets',
     "UPDATE users SET otp_secret = '{\"p\":\"' || encrypted_otp_secret || '\"}' WHERE encrypted_otp_secret IS NOT NULL"),
    ("20241007071624", "ValidateNotificationsGroupKey", "post", "4.3.0", 'add_check_constraint(:notifications, :group_key_length)',
     "ALTER TABLE notifications ADD CONSTRAINT group_key_length CHECK (length(group_key) < 1000)"),

    ("20241206131513", "CreateFaspProviders", "pre", "4.4.0", 'create_table(:fasp_providers)',
     "CREATE TABLE fasp_providers (id bigserial PRIMARY KEY, name varchar NOT NULL, base_url varchar NOT NULL UNIQUE, confirmed boolean NOT NULL DEFAULT false)"),
    ("20250129144440", "CreateTermsOfServices", "pre", "4.4.0", 'create_table(:terms_of_services)',
     "CREATE TABLE terms_of_services (id bigserial PRIMARY KEY, text text NOT NULL DEFAULT '', published_at timestamp)"),
    ("20250313123400", "AddAgeVerifiedAtToUsers", "pre", "4.4.0", 'add_column(:users, :age_verified_at, :datetime)',
     "ALTER TABLE users ADD COLUMN age_verified_at timestamp"),
    ("20250428104538", "CreateQuotes", "pre", "4.4.0", 'create_table(:quotes)',
     "CREATE TABLE quotes (id bigserial PRIMARY KEY, status_id bigint NOT NULL UNIQUE, quoted_status_id bigint, state int NOT NULL DEFAULT 0)"),
    ("20250216231904", "RemoveLegacyDeviseTwoFactorSecretsFromUsers", "post", "4.4.0",
     'remove_columns(:users, :encrypted_otp_secret, :encrypted_otp_secret_iv, :encrypted_otp_secret_salt)',
     "ALTER TABLE users DROP COLUMN encrypted_otp_secret, DROP COLUMN encrypted_otp_secret_iv, DROP COLUMN encrypted_otp_secret_salt"),
    ("20250605110215", "DropUnusedIndexOnNotifications", "post", "4.4.0", 'remove_index(:accounts, name: :index_accounts_on_domain_and_id)',
     "DROP INDEX CONCURRENTLY IF EXISTS index_accounts_on_domain_and_id"),

    ("20250717003848", "AddQuoteApprovalPolicyToStatuses", "pre", "4.5.0",
     'add_column(:statuses, :quote_approval_policy, :integer, null: false, default: 0)',
     "ALTER TABLE statuses ADD COLUMN quote_approval_policy int NOT NULL DEFAULT 0"),
    ("20250805075010", "AddIndexOnStatusesConversationId", "pre", "4.5.0", 'add_index(:statuses, :conversation_id, algorithm: :concurrently)',
     "CREATE INDEX CONCURRENTLY index_statuses_on_conversation_id ON statuses (conversation_id)"),
    ("20250902221600", "AddIndexOnFollowsTargetAndAccount", "pre", "4.5.0",
     'add_index(:follows, [:target_account_id, :account_id], algorithm: :concurrently)',
     "CREATE INDEX CONCURRENTLY index_follows_on_target_account_id_and_account_id ON follows (target_account_id, account_id)"),
    ("20250924170259", "AddParentToConversations", "pre", "4.5.0", 'change_table(:conversations)',
     "ALTER TABLE conversations ADD COLUMN parent_status_id bigint, ADD COLUMN parent_account_id bigint"),
    ("20251007142305", "AddIndexOnConversationsParent", "pre", "4.5.0", 'add_index(:conversations, :parent_status_id, algorithm: :concurrently)',
     "CREATE UNIQUE INDEX CONCURRENTLY index_conversations_on_parent_status_id ON conversations (parent_status_id) WHERE parent_status_id IS NOT NULL"),

    ("20251118115657", "CreateCollections", "pre", "4.6.0", 'create_table(:collections)',
     "CREATE TABLE collections (id bigserial PRIMARY KEY, account_id bigint NOT NULL, name varchar NOT NULL, created_at timestamp NOT NULL DEFAULT now())"),
    ("20251119093332", "CreateCollectionItems", "pre", "4.6.0", 'create_table(:collection_items)',
     "CREATE TABLE collection_items (id bigserial PRIMARY KEY, collection_id bigint NOT NULL, account_id bigint)"),
    ("20260119153538", "CreateKeypairs", "pre", "4.6.0", 'create_table(:keypairs)',
     "CREATE TABLE keypairs (id bigserial PRIMARY KEY, account_id bigint NOT NULL UNIQUE, type int NOT NULL DEFAULT 0, public_key text NOT NULL,"
     " private_key text, created_at timestamp NOT NULL DEFAULT now())"),
    ("20260212131934", "AddItemCountToCollections", "pre", "4.6.0", 'add_column(:collections, :item_count, :integer, null: false, default: 0)',
     "ALTER TABLE collections ADD COLUMN item_count int NOT NULL DEFAULT 0"),
    ("20260319142348", "AddIndexOnCollectionItemsAccountId", "pre", "4.6.0", 'add_index(:collection_items, :account_id, algorithm: :concurrently)',
     "CREATE INDEX CONCURRENTLY index_collection_items_on_account_id ON collection_items (account_id)"),

    ("20260526084516", "AddIdSchemeToAccounts", "pre", "4.7.0", 'add_column(:accounts, :id_scheme, :integer, default: 0)',
     "ALTER TABLE accounts ADD COLUMN id_scheme int DEFAULT 0"),
    ("20260602091127", "CreateAccountMerges", "pre", "4.7.0", 'create_table(:account_merges)',
     "CREATE TABLE account_merges (id bigserial PRIMARY KEY, from_id bigint NOT NULL, into_id bigint NOT NULL)"),
    ("20260611120410", "AddIndexOnStatusesUriHash", "pre", "4.7.0", 'add_index(:statuses, :uri, using: :hash, algorithm: :concurrently)',
     "CREATE INDEX CONCURRENTLY index_statuses_on_uri_hash ON statuses USING hash (uri)"),
    ("20260623132145", "MigrateLocalAccountKeypairs", "post", "4.7.0", 'migrate_local_account_keypairs',
     "INSERT INTO keypairs (account_id, public_key, private_key) SELECT id, public_key, '{\"p\":\"' || md5(private_key) || '\",\"h\":{\"iv\":\"\",\"at\":\"\"}}'"
     " FROM accounts WHERE domain IS NULL AND private_key IS NOT NULL ON CONFLICT DO NOTHING;"
     " UPDATE accounts SET private_key = NULL WHERE domain IS NULL"),
    ("20260630101010", "CleanUpInvalidAccounts", "post", "4.7.0", 'clean_up_invalid_accounts',
     "DELETE FROM accounts WHERE domain IS NOT NULL AND uri = '' AND id NOT IN (SELECT account_id FROM statuses)"),
    ("20260707093000", "AddUniqueIndexOnAccountsUri", "post", "4.7.0", 'add_index(:accounts, :uri, unique: true, algorithm: :concurrently)',
     "CREATE UNIQUE INDEX CONCURRENTLY index_accounts_on_uri ON accounts (uri) WHERE uri <> ''"),
    ("20260714160812", "ReplaceInstancesViewWithTable", "post", "4.7.0", 'drop_view(:instances, materialized: true); create_table(:instances)',
     "DROP MATERIALIZED VIEW instances; CREATE TABLE instances (domain varchar PRIMARY KEY, accounts_count bigint NOT NULL DEFAULT 0);"
     " INSERT INTO instances SELECT domain, count(*) FROM accounts WHERE domain IS NOT NULL GROUP BY domain"),
]


def series(version):
    """The needs of a release."""
    return SERIES[".".join(version.lstrip("v").split(".")[:2])]


def all_versions():
    """Every release, oldest first."""
    names = ["%s.%d" % (minor, patch) for minor in SERIES for patch in PATCHES[minor]]
    return sorted(names, key=version_key)


def floor(version):
    """The oldest schema that a zero-downtime migration of a release accepts, with the series to name; or None."""
    minor = version_key(version)[:2]
    if minor >= (4, 7):
        return 20241007071624, "4.3"
    if minor >= (4, 4):
        return 20230907150100, "4.2"
    return None


def migrations_of(version):
    """The migrations that a release's tree holds, oldest first."""
    return sorted(m for m in MIGRATIONS if version_key(m[3]) <= version_key(version))


def underscore(name):
    """CamelCase to snake_case, as Rails names files."""
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))
