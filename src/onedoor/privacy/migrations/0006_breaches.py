import django.db.models.deletion
import onedoor.kernel.ids
from django.db import migrations, models

GUARD = """
CREATE FUNCTION privacy_refuse_changing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('onedoor.resealing', true) = 'on' THEN RETURN NEW; END IF;
    IF TG_OP = 'TRUNCATE' AND current_setting('onedoor.emptying', true) = 'tests' THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'what was said of a breach stays' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER privacy_nothing_changed
    BEFORE UPDATE OR DELETE ON privacy_breachact
    FOR EACH ROW EXECUTE FUNCTION privacy_refuse_changing();
CREATE TRIGGER privacy_never_emptied BEFORE TRUNCATE ON privacy_breachact
    FOR EACH STATEMENT EXECUTE FUNCTION privacy_refuse_changing();
"""
UNGUARD = """
DROP TRIGGER privacy_never_emptied ON privacy_breachact;
DROP TRIGGER privacy_nothing_changed ON privacy_breachact;
DROP FUNCTION privacy_refuse_changing();
"""


class Migration(migrations.Migration):
    dependencies = [
        ('privacy', '0005_consents'),
    ]

    operations = [
        migrations.CreateModel(
            name='ToldBreach',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('system', models.CharField(max_length=120)),
                ('agency', models.CharField(max_length=60)),
                ('told', models.DateTimeField()),
                ('sealed', models.BinaryField()),
            ],
            options={
                'db_table': 'privacy_toldbreach',
            },
        ),
        migrations.CreateModel(
            name='Breach',
            fields=[
                ('code', models.CharField(max_length=16, primary_key=True, serialize=False)),
                ('agency', models.CharField(max_length=60)),
                ('key', models.CharField(max_length=60)),
                ('by', models.CharField(max_length=120)),
                ('opened', models.DateTimeField()),
                ('found', models.DateTimeField(null=True)),
                ('due', models.DateTimeField(null=True)),
                ('overdue', models.DateTimeField(null=True)),
                ('reported', models.DateTimeField(null=True)),
                ('acknowledged', models.DateTimeField(null=True)),
                ('sealed', models.BinaryField()),
            ],
            options={
                'db_table': 'privacy_breach',
                'indexes': [models.Index(condition=models.Q(('overdue', None), ('reported', None)), fields=['due'], name='privacy_breach_due')],
                'constraints': [models.UniqueConstraint(fields=('agency', 'key'), name='privacy_breach_once'), models.CheckConstraint(condition=models.Q(models.Q(('due', None), ('found', None), ('reported', None)), models.Q(('due__isnull', False), ('found__isnull', False)), _connector='OR'), name='privacy_breach_found'), models.CheckConstraint(condition=models.Q(('acknowledged', None), ('reported__isnull', False), _connector='OR'), name='privacy_breach_in_order')],
            },
        ),
        migrations.CreateModel(
            name='BreachAct',
            fields=[
                ('id', models.UUIDField(default=onedoor.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('system', models.CharField(max_length=120)),
                ('code', models.CharField(max_length=16)),
                ('kind', models.CharField(max_length=20)),
                ('key', models.CharField(blank=True, max_length=60)),
                ('moment', models.DateTimeField()),
                ('by', models.CharField(max_length=120)),
                ('sealed', models.BinaryField()),
                ('entry', models.UUIDField()),
            ],
            options={
                'db_table': 'privacy_breachact',
                'constraints': [models.UniqueConstraint(fields=('system', 'code', 'kind', 'key'), name='privacy_breach_act_once')],
            },
        ),
        migrations.CreateModel(
            name='BreachTelling',
            fields=[
                ('id', models.UUIDField(default=onedoor.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=60)),
                ('moment', models.DateTimeField()),
                ('by', models.CharField(max_length=120)),
                ('sealed', models.BinaryField()),
                ('persons', models.PositiveIntegerField()),
                ('reached', models.PositiveIntegerField(default=0)),
                ('missed', models.PositiveIntegerField(default=0)),
                ('ended', models.DateTimeField(null=True)),
                ('breach', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tellings', to='privacy.breach')),
            ],
            options={
                'db_table': 'privacy_breachtelling',
            },
        ),
        migrations.CreateModel(
            name='BreachPerson',
            fields=[
                ('pk', models.CompositePrimaryKey('telling', 'person', blank=True, editable=False, primary_key=True, serialize=False)),
                ('person', models.BinaryField(max_length=32)),
                ('listed', models.BooleanField(default=False)),
                ('record', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='privacy.readrecord')),
                ('telling', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waiting', to='privacy.breachtelling')),
            ],
            options={
                'db_table': 'privacy_breachperson',
            },
        ),
        migrations.CreateModel(
            name='ReceivedBreach',
            fields=[
                ('id', models.UUIDField(default=onedoor.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('system', models.CharField(max_length=120)),
                ('code', models.CharField(max_length=16)),
                ('agency', models.CharField(max_length=60)),
                ('found', models.DateTimeField()),
                ('due', models.DateTimeField(null=True)),
                ('reported', models.DateTimeField()),
                ('received', models.DateTimeField()),
                ('acknowledged', models.DateTimeField(null=True)),
                ('acknowledged_by', models.CharField(blank=True, max_length=120)),
            ],
            options={
                'db_table': 'privacy_receivedbreach',
                'constraints': [models.UniqueConstraint(fields=('system', 'code'), name='privacy_breach_received_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='breachtelling',
            constraint=models.UniqueConstraint(fields=('breach', 'key'), name='privacy_breach_telling_once'),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
